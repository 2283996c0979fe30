/**
 * Some kept pages on their way from the source to the dump: what one thread reads and compresses in one go.
 */
import { KiB } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';
import type { MemoryWindow } from '../vmcore/physical-memory.ts';
import { CompressError, type PageCodec } from './codec.ts';
import { isZeroPage } from './zero-page.ts';

/** In `lengths`: a page of zeros that takes no room, a page stored as it is, and a page that could not be read. */
export const zeroPage = 0;
export const rawPage = -1;
export const lostPage = -2;

/** The arrays are reused from batch to batch; the first `count` entries count. */
export type PageBatch = {
  /** Page frame numbers, ascending. */
  readonly pfns: Float64Array;
  /** Bytes of each page's block, or one of the constants above. */
  readonly lengths: Int32Array;
  /** The blocks, one behind the other. */
  readonly data: Uint8Array;
};

const bytesPerBatch = 256 * KiB;
const fewestPages = 4;

/** Pages that one batch takes: enough to be worth a ticket, few enough to stay in the processor's cache. */
export function batchPages(pageSize: number): number {
  return Math.max(fewestPages, Math.floor(bytesPerBatch / pageSize));
}

/** Bytes that `data` must have for `pages` pages, whatever they hold. */
export function batchDataBytes(pages: number, pageSize: number, outputBound: number): number {
  return pages * pageSize + Math.max(outputBound, pageSize);
}

export type BatchJob = {
  readonly window: MemoryWindow;
  /** Undefined: pages are stored as they are. */
  readonly codec: PageCodec | undefined;
  readonly pageSize: number;
  /** Pages of zeros are told apart; else they are compressed like others. */
  readonly shareZero: boolean;
  /** For the codec, when it changes while the dump is written. */
  readonly level?: number | undefined;
};

/**
 * Reads and compresses the first `count` pages of a batch. The result depends on the pages alone, not on who does it. A page that
 * cannot be read is lost, and only that one.
 *
 * @throws what the codec throws; the batch is then unfinished.
 */
export function compressBatch(batch: PageBatch, count: number, job: BatchJob): void {
  const place: Place = { index: 0, to: 0 };
  if (job.level !== undefined) job.codec?.setLevel?.(job.level);
  while (place.index < count) {
    try {
      compressFrom(place, batch, count, job);
    } catch (error) {
      if (!isLoss(error)) throw error;
      batch.lengths[place.index++] = lostPage;
    }
  }
}

/** True when the source would not give a page, or gave it damaged: the others may still be had. False when the codec cannot work at all. */
export function isLoss(error: unknown): boolean {
  return error instanceof KcaptureError && !(error instanceof CompressError);
}

/** The page that comes next, and where its block goes. */
type Place = { index: number; to: number };

function compressFrom(place: Place, { pfns, lengths, data }: PageBatch, count: number, job: BatchJob): void {
  const { window, codec, pageSize, shareZero } = job;
  const { bytes } = window;
  for (; place.index < count; place.index++) {
    const { index, to } = place;
    const at = window.locate(pfns[index] * pageSize, pageSize);
    if (shareZero && isZeroPage(bytes, at, pageSize)) {
      lengths[index] = zeroPage;
      continue;
    }
    const length = codec === undefined ? 0 : codec.compress(bytes, at, pageSize, data, to);
    if (length > 0) {
      lengths[index] = length;
      place.to += length;
    } else {
      data.set(bytes.subarray(at, at + pageSize), to);
      lengths[index] = rawPage;
      place.to += pageSize;
    }
  }
}
