/** The counts of a finished dump: which pages are zero is known only after reading them. */
import type { PageCounts } from '../classify/page-kind.ts';

export function finalCounts(counts: PageCounts, zero: number): PageCounts {
  const { original, cache, cachePrivate, user, free, hwpoison, offline } = counts;
  return { ...counts, zero, kept: original - zero - cache - cachePrivate - user - free - hwpoison - offline };
}
