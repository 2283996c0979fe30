/**
 * Bitmaps that need not be in memory as a whole: a set of page frames that is gone through in windows, as often as wanted.
 *
 * The bitmap of a machine with 12 TiB has 402 MB, and the kernel that saves it may have a fifth of that.
 */
import { firstEndingAfter } from '../binary/pfn-ranges.ts';
import type { Pfn, PfnRange } from '../binary/units.ts';
import { Bitmap, BitmapError } from './bitmap.ts';

/** Bit i of `bits` belongs to page frame `start + i`; `start` is a multiple of 8. */
export type BitmapWindow = { readonly start: Pfn; readonly bits: Bitmap };

export interface BitmapWindows {
  /** Highest page frame plus one. */
  readonly sizeBits: number;
  readonly windowCount: number;
  /** Every window, ascending and without a gap. One is valid until the next is asked for. */
  windows(): Iterable<BitmapWindow>;
}

/**
 * The windows of `sizeBits` page frames.
 * @param windowBits at least 8; rounded down to a multiple of 8.
 */
export function cutIntoWindows(sizeBits: number, windowBits: number): { readonly count: number; range(index: number): PfnRange } {
  const step = Math.max(8, Math.floor(Math.min(windowBits, sizeBits + 7) / 8) * 8);
  return {
    count: Math.ceil(sizeBits / step),
    range: (index) => ({ start: index * step, end: Math.min(sizeBits, (index + 1) * step) }),
  };
}

/** @throws BitmapError `bitmap/windowed` when it is not in memory as a whole. */
export function wholeBitmap(bitmap: BitmapWindows): Bitmap {
  if (bitmap instanceof Bitmap) return bitmap;
  throw new BitmapError('bitmap/windowed', `Cannot use a bitmap of ${bitmap.windowCount} windows here: expected all of it in memory`);
}

/** The page frames of `ranges`, which are ascending and disjoint. One window is in memory, and made anew for the next. */
export function rangesInWindows(sizeBits: number, ranges: readonly PfnRange[], windowBits: number): BitmapWindows {
  const cut = cutIntoWindows(sizeBits, windowBits);
  return {
    sizeBits,
    windowCount: cut.count,
    *windows() {
      let bits: Bitmap | undefined;
      for (let index = 0; index < cut.count; index++) {
        const window = cut.range(index);
        bits = emptyBitmap(window.end - window.start, bits?.bytes);
        setWithin(bits, window, ranges);
        yield { start: window.start, bits };
      }
    },
  };
}

/** A bitmap without bits. @param bytes taken over when there are enough of them. */
export function emptyBitmap(sizeBits: number, bytes?: Uint8Array): Bitmap {
  const length = Math.ceil(sizeBits / 8);
  return bytes === undefined || bytes.length < length ? new Bitmap(sizeBits) : new Bitmap(sizeBits, bytes.subarray(0, length).fill(0));
}

/** Sets the bits of what `ranges` have in the window. @returns how many page frames these are. */
export function setWithin(bits: Bitmap, { start, end }: PfnRange, ranges: readonly PfnRange[]): number {
  return forEachWithin({ start, end }, ranges, (from, to) => bits.setRange(from - start, to - start));
}

/** @returns how many page frames of the window are in `ranges`. */
export function countWithin(window: PfnRange, ranges: readonly PfnRange[]): number {
  return forEachWithin(window, ranges, () => {});
}

function forEachWithin(window: PfnRange, ranges: readonly PfnRange[], visit: (start: Pfn, end: Pfn) => void): number {
  let pages = 0;
  for (let index = firstEndingAfter(ranges, window.start); index < ranges.length && ranges[index].start < window.end; index++) {
    const start = Math.max(ranges[index].start, window.start);
    const end = Math.min(ranges[index].end, window.end);
    visit(start, end);
    pages += end - start;
  }
  return pages;
}
