/** Which page frames go into which part of a split set. */
import type { PfnRange } from '../../binary/units.ts';
import type { Bitmap } from '../../bitmap/bitmap.ts';
import { FormatError } from '../dump-writer.ts';
import { PageIndex } from './page-index.ts';

/** Readers count the descriptors before a part by 64-bit words of the bitmap, so every part starts at a multiple. @source crash diskdump.c */
const wordPages = 64;

/**
 * Ranges of about as many kept pages each, which together cover the whole bitmap. Some are empty when there is too little to share.
 *
 * @param blockPages a range ends at a multiple of it. makedumpfile's `--splitblock-size` defaults to 1 GiB, 262144 pages of 4 KiB, and with
 *   that the ranges are makedumpfile's; the default here shares out evenly.
 * @throws FormatError `format/unsupported` when `blockPages` is not a multiple of 64, or there is not one part at least.
 */
export function planSplit(kept: Bitmap, parts: number, blockPages = wordPages): PfnRange[] {
  if (!(parts >= 1) || !(blockPages >= wordPages) || blockPages % wordPages !== 0) {
    throw new FormatError(
      'format/unsupported',
      `Cannot split a dump into ${parts} parts by ${blockPages} pages: expected 1 or more, by a multiple of ${wordPages}`,
    );
  }
  const index = new PageIndex(kept);
  const wanted = Math.floor(index.total / parts);
  const ranges: PfnRange[] = [];
  let start = 0;
  while (ranges.length < parts - 1) {
    const end = rangeEnd(kept, index, start, wanted, blockPages);
    ranges.push({ start, end });
    start = end;
  }
  ranges.push({ start, end: kept.sizeBits });
  return ranges;
}

/** The first block boundary with `wanted` kept pages between `start` and it. */
function rangeEnd(kept: Bitmap, index: PageIndex, start: number, wanted: number, blockPages: number): number {
  const target = index.rank(start) + wanted;
  let low = Math.ceil(start / blockPages);
  let high = Math.ceil(kept.sizeBits / blockPages);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (index.rank(Math.min(middle * blockPages, kept.sizeBits)) >= target) high = middle;
    else low = middle + 1;
  }
  return Math.min(low * blockPages, kept.sizeBits);
}
