/**
 * What a page is, from the four words of its struct page that tell.
 *
 * `pageRules` turns the layout and a dump level into plain numbers, once; `classifyPage` decides with them, for every page of the machine.
 */
import type { PageLayout } from '../memory-model/page-layout.ts';
import { dumpLevel, PageKind } from './page-kind.ts';

/**
 * Masks and page types as signed 32 bit numbers. What the kernel does not know, and what the dump level keeps, has a mask without bits or
 * a value that no page has.
 */
export type PageRules = {
  readonly slabType: number;
  readonly slabMask: number;
  readonly buddyType: number;
  readonly unacceptedType: number;
  readonly lruMask: number;
  /** In the swap cache when these bits are … */
  readonly swapMask: number;
  /** … all set. */
  readonly swapValue: number;
  readonly privateMask: number;
  readonly dropPrivate: boolean;
  readonly dropUser: boolean;
  readonly hwpoisonMask: number;
  readonly offlineType: number;
};

/** PAGE_MAPPING_ANON: set in `mapping` of anonymous pages. */
const anonymousBit = 1;

/** Constants of this file are read faster than members of an object. */
const { kept, free, cache, cachePrivate, user, hwpoison, offline } = PageKind;

/** No signed 32 bit number equals it. */
const noType = 2 ** 31;

/** Also returns what cannot be told apart on this kernel, one sentence each. */
export function pageRules(layout: PageLayout, level: number): { readonly rules: PageRules; readonly warnings: readonly string[] } {
  const { masks, types } = layout;
  const warnings: string[] = [];
  const slabIsKnown = types.slab !== undefined || masks.slab !== undefined;
  const hasMapcount = layout.mapcount !== undefined;
  const dropFree =
    (level & dumpLevel.free) !== 0 && slabIsKnown && hasMapcount && layout.private !== undefined && types.buddy !== undefined;
  const dropUser = (level & dumpLevel.user) !== 0 && slabIsKnown;
  if ((level & dumpLevel.free) !== 0 && !dropFree) warnings.push('The kernel does not tell which pages are free; they are kept');
  if ((level & dumpLevel.user) !== 0 && !dropUser) warnings.push('The kernel does not tell which pages are slab; user pages are kept');
  const dropPrivate = (level & dumpLevel.cachePrivate) !== 0;
  const dropCache = dropPrivate || (level & dumpLevel.cache) !== 0;
  const swapMask = (masks.swapcache ?? 0) | (masks.swapbacked ?? 0);
  const rules = {
    slabType: (hasMapcount ? types.slab : undefined) ?? noType,
    slabMask: masks.slab ?? 0,
    buddyType: (dropFree ? types.buddy : undefined) ?? noType,
    unacceptedType: (dropFree && layout.freeOrders !== undefined ? types.unaccepted : undefined) ?? noType,
    lruMask: (dropCache ? masks.lru : undefined) ?? 0,
    swapMask,
    swapValue: dropCache && masks.swapcache !== undefined ? swapMask : noType,
    // Unknown: every cache page counts as one with private data, which goes only at the level that takes both.
    privateMask: masks.private ?? -1,
    dropPrivate,
    dropUser,
    hwpoisonMask: masks.hwpoison ?? 0,
    offlineType: (hasMapcount ? types.offline : undefined) ?? noType,
  };
  return { rules, warnings };
}

/**
 * The decision. First reason that holds wins.
 *
 * Cost: the whole scan takes 11 ns a page in the engine's middle tier, 6 in its highest (struct pages in the cache). Written out in the loop,
 * without this function and `isHugetlb`, it takes 8 and 5; kept as it is to be readable and testable.
 *
 * @param flags low 32 bits of `page.flags`.
 * @param mapping low 32 bits of `page.mapping`.
 * @param mapcount `_mapcount` as a signed number.
 * @param hugetlb whether this is the head of a hugetlb page.
 */
export function classifyPage(rules: PageRules, flags: number, mapping: number, mapcount: number, hugetlb: boolean): PageKind {
  // Kernel objects. Their descriptor lies over the struct page and may look like an anonymous or a free one, so it is asked for first.
  const slab = mapcount === rules.slabType || (flags & rules.slabMask) !== 0;

  // The first page of a free block: nobody owns its content. Or of a block that the guest has not accepted from its host yet: free, and
  // never written.
  if ((mapcount === rules.buddyType && !slab) || mapcount === rules.unacceptedType) return free;

  // Page cache: on the LRU lists or in the swap cache, and not a process's own page. The disk holds it too. With private data (a
  // file system's buffers) it says something about the file system, so it has a level of its own.
  const anonymous = (mapping & anonymousBit) !== 0 && !slab;
  if (!anonymous && ((flags & rules.lruMask) !== 0 || (flags & rules.swapMask) === rules.swapValue)) {
    if ((flags & rules.privateMask) === 0) return cache;
    if (rules.dropPrivate) return cachePrivate;
  }

  // A process's own data: anonymous memory, and huge pages from the hugetlb pool.
  if (rules.dropUser && (anonymous || hugetlb)) return user;

  // Broken memory. Reading it may raise another machine check, so it stays out at every level.
  if ((flags & rules.hwpoisonMask) !== 0) return hwpoison;

  // Memory that was given back to the host. Reading it may fail or stop the guest, so it stays out at every level.
  if (mapcount === rules.offlineType && !slab) return offline;

  return kept;
}
