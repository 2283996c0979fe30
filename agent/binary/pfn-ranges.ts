/** Ranges of page frames that are ascending and disjoint. */
import type { Pfn, PfnRange } from './units.ts';

/** Index of the first range that ends above `pfn`, `ranges.length` when none does: a dump of a large machine has a million. */
export function firstEndingAfter(ranges: readonly PfnRange[], pfn: Pfn): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (ranges[middle].end > pfn) high = middle;
    else low = middle + 1;
  }
  return low;
}
