/**
 * The second hot loop: every kept page once, in PFN order, from the source through the codec into the writer.
 *
 * Comes in: the bitmap of kept pages. Goes out: pages in the writer, and how many of them were zero, compressed, raw.
 */
import type { Bitmap } from '../bitmap/bitmap.ts';
import { MiB, type PfnRange } from '../binary/units.ts';
import { codecFlags, type PageCodec } from '../compress/codec.ts';
import { isZeroPage } from '../compress/zero-page.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';

export type CopyCounts = { zero: number; compressed: number; raw: number; unreadable: number };

export type CopyJob = {
  readonly memory: PhysicalMemory;
  readonly kept: Bitmap;
  readonly writer: DumpWriter;
  /** Undefined: every page is stored raw. */
  readonly codec: PageCodec | undefined;
  /** Store a page of zeros as a reference to the one shared zero page. */
  readonly shareZero: boolean;
  /** Only the page frames in here. Default: all. */
  readonly range?: PfnRange;
  /** Called with the pages done so far, often. */
  readonly onProgress: (done: number) => void;
};

/** Bytes of source in view at a time. Larger windows measured no faster on a warm file. */
const windowBytes = 4 * MiB;

/**
 * @throws SinkError `sink/no-space`, `sink/io` from the writer; VmcoreError from the source.
 */
export function copyPages({ memory, kept, writer, codec, shareZero, range, onProgress }: CopyJob): CopyCounts {
  const pageSize = memory.pageSize;
  const window = memory.openWindow(windowBytes);
  const bytes = window.bytes;
  const block = new Uint8Array(codec?.outputBound(pageSize) ?? 0);
  const flag = codec === undefined ? 0 : codecFlags[codec.name];
  const counts: CopyCounts = { zero: 0, compressed: 0, raw: 0, unreadable: 0 };
  const stop = Math.min(kept.sizeBits, range?.end ?? kept.sizeBits);
  let done = 0;
  try {
    for (let start = kept.nextSet(range?.start ?? 0); start < stop; ) {
      const end = Math.min(stop, kept.nextClear(start));
      for (let pfn = start; pfn < end; pfn++) {
        const at = window.locate(pfn * pageSize, pageSize);
        if (shareZero && isZeroPage(bytes, at, pageSize)) {
          writer.addZeroPage(pfn);
          counts.zero++;
          continue;
        }
        const length = codec === undefined ? 0 : codec.compress(bytes, at, pageSize, block, 0);
        if (length > 0) {
          writer.addPage(pfn, block, 0, length, flag);
          counts.compressed++;
        } else {
          writer.addPage(pfn, bytes, at, pageSize, 0);
          counts.raw++;
        }
      }
      done += end - start;
      onProgress(done);
      start = kept.nextSet(end);
    }
  } finally {
    window.close();
  }
  return counts;
}

/**
 * Takes pages of zeros out of `kept`, for formats that cannot refer to a shared page: a reading pass of its own.
 * @returns how many were taken out.
 */
export function dropZeroPages(memory: PhysicalMemory, kept: Bitmap, onProgress: (done: number) => void): number {
  const pageSize = memory.pageSize;
  const window = memory.openWindow(windowBytes);
  let zero = 0;
  try {
    for (let pfn = kept.nextSet(0); pfn < kept.sizeBits; pfn = kept.nextSet(pfn + 1)) {
      const at = window.locate(pfn * pageSize, pageSize);
      if (isZeroPage(window.bytes, at, pageSize)) {
        kept.clear(pfn);
        zero++;
      }
      onProgress(pfn);
    }
  } finally {
    window.close();
  }
  return zero;
}
