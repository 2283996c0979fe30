/** How many page frames a list of ranges holds. */
import type { PfnRange } from '../binary/units.ts';

export function countPages(ranges: readonly PfnRange[]): number {
  let count = 0;
  for (const { start, end } of ranges) count += end - start;
  return count;
}
