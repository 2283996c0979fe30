/** What a page is, as far as dumping it goes; and the dump level bits that decide which kinds stay out. */

/**
 * `kept` is every page with a reason to stay. `tail` pages share the fate of their head. The numbers index `PageCounts` tables and
 * may stand in typed arrays.
 */
export const PageKind = {
  kept: 0,
  zero: 1,
  /** Page cache without private data. */
  cache: 2,
  /** Page cache with private data (file system buffers). */
  cachePrivate: 3,
  /** Anonymous and hugetlb pages. */
  user: 4,
  free: 5,
  /** Broken memory: reading it may kill the capture kernel, so it is left out at every level. */
  hwpoison: 6,
  /** Memory taken away from the machine (balloon, virtio-mem): left out at every level. */
  offline: 7,
} as const;
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

/** Bits of a dump level, as in `makedumpfile -d`. */
export const dumpLevel = { zero: 1, cache: 2, cachePrivate: 4, user: 8, free: 16, all: 31 } as const;

/** Pages by kind. `original` = pages the source holds. `kept` = original minus everything else (zero pages are not in `kept`). */
export type PageCounts = {
  original: number;
  kept: number;
  zero: number;
  cache: number;
  cachePrivate: number;
  user: number;
  free: number;
  hwpoison: number;
  offline: number;
  /** Page frames below `endPfn` with no memory behind them. */
  hole: number;
};

export function emptyCounts(): PageCounts {
  return { original: 0, kept: 0, zero: 0, cache: 0, cachePrivate: 0, user: 0, free: 0, hwpoison: 0, offline: 0, hole: 0 };
}
