/**
 * Some kept pages on their way from the source to the dump: what one thread reads and compresses in one go.
 */
import type { MemoryWindow } from '../vmcore/physical-memory.ts';
import type { PageCodec } from './codec.ts';
import { isZeroPage } from './zero-page.ts';

/** In `lengths`: a page of zeros that takes no room, and a page stored as it is. */
export const zeroPage = 0;
export const rawPage = -1;

/** The arrays are reused from batch to batch; the first `count` entries count. */
export type PageBatch = {
  /** Page frame numbers, ascending. */
  readonly pfns: Float64Array;
  /** Bytes of each page's block, or `zeroPage`, or `rawPage`. */
  readonly lengths: Int32Array;
  /** The blocks, one behind the other. */
  readonly data: Uint8Array;
};

/** Bytes that `data` must have for `pages` pages, whatever they hold. */
export function batchDataBytes(pages: number, pageSize: number, outputBound: number): number {
  return pages * pageSize + Math.max(outputBound, pageSize);
}

export type BatchJob = {
  readonly window: MemoryWindow;
  readonly codec: PageCodec;
  readonly pageSize: number;
  /** Pages of zeros are told apart; else they are compressed like others. */
  readonly shareZero: boolean;
};

/**
 * Reads and compresses the first `count` pages of a batch. The result depends on the pages alone, not on who does it.
 *
 * @throws what the window and the codec throw; the batch is then unfinished.
 */
export function compressBatch(batch: PageBatch, count: number, { window, codec, pageSize, shareZero }: BatchJob): void {
  const { pfns, lengths, data } = batch;
  const { bytes } = window;
  let to = 0;
  for (let index = 0; index < count; index++) {
    const at = window.locate(pfns[index] * pageSize, pageSize);
    if (shareZero && isZeroPage(bytes, at, pageSize)) {
      lengths[index] = zeroPage;
      continue;
    }
    const length = codec.compress(bytes, at, pageSize, data, to);
    if (length > 0) {
      lengths[index] = length;
      to += length;
    } else {
      data.set(bytes.subarray(at, at + pageSize), to);
      lengths[index] = rawPage;
      to += pageSize;
    }
  }
}
