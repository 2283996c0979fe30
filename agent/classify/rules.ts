/**
 * What a page is, from the four words of its struct page that tell.
 *
 * `pageRules` turns the layout and a dump level into plain numbers, once; `classifyPage` decides with them, for every page of the machine.
 */
import type { PageLayout } from '../memory-model/page-layout.ts';
import { dumpLevel, PageKind } from './page-kind.ts';

/** Masks and page types as signed 32 bit numbers; what the kernel does not know has a mask without bits or a value that no page has. */
export type PageRules = {
  readonly dropFree: boolean;
  readonly dropCache: boolean;
  readonly dropCachePrivate: boolean;
  readonly dropUser: boolean;
  readonly lruMask: number;
  /** In the swap cache when these bits are … */
  readonly swapMask: number;
  /** … all set. */
  readonly swapValue: number;
  readonly privateMask: number;
  readonly slabMask: number;
  readonly hwpoisonMask: number;
  readonly slabType: number;
  readonly buddyType: number;
  readonly unacceptedType: number;
  readonly offlineType: number;
};

/** PAGE_MAPPING_ANON: set in `mapping` of anonymous pages. */
const anonymousBit = 1;

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
  const swapMask = (masks.swapcache ?? 0) | (masks.swapbacked ?? 0);
  const rules = {
    dropFree,
    dropCache: (level & dumpLevel.cache) !== 0,
    dropCachePrivate: (level & dumpLevel.cachePrivate) !== 0,
    dropUser,
    lruMask: masks.lru ?? 0,
    swapMask,
    swapValue: masks.swapcache === undefined ? noType : swapMask,
    // Unknown: every cache page counts as one with private data, which goes only at the level that takes both.
    privateMask: masks.private ?? -1,
    slabMask: masks.slab ?? 0,
    hwpoisonMask: masks.hwpoison ?? 0,
    slabType: (hasMapcount ? types.slab : undefined) ?? noType,
    buddyType: types.buddy ?? noType,
    unacceptedType: (layout.freeOrders === undefined ? undefined : types.unaccepted) ?? noType,
    offlineType: (hasMapcount ? types.offline : undefined) ?? noType,
  };
  return { rules, warnings };
}

/**
 * The decision. First reason that holds wins.
 *
 * @param flags low 32 bits of `page.flags`.
 * @param mapping low 32 bits of `page.mapping`.
 * @param mapcount `_mapcount` as a signed number.
 * @param hugetlb whether this is the head of a hugetlb page.
 */
export function classifyPage(rules: PageRules, flags: number, mapping: number, mapcount: number, hugetlb: boolean): PageKind {
  // Kernel objects. Their descriptor lies over the struct page and may look like an anonymous or a free one, so it is asked for first.
  const slab = mapcount === rules.slabType || (flags & rules.slabMask) !== 0;

  // The first page of a free block. Nobody owns its content.
  if (rules.dropFree && mapcount === rules.buddyType && !slab) return PageKind.free;

  // The first page of a block that the guest has not accepted from its host yet: free, and never written.
  if (rules.dropFree && mapcount === rules.unacceptedType) return PageKind.free;

  // Page cache: on the LRU lists or in the swap cache, and not a process's own page. The disk holds it too. With private data (a
  // file system's buffers) it says something about the file system, so it has a level of its own.
  const anonymous = (mapping & anonymousBit) !== 0 && !slab;
  if (!anonymous && ((flags & rules.lruMask) !== 0 || (flags & rules.swapMask) === rules.swapValue)) {
    const hasPrivate = (flags & rules.privateMask) !== 0;
    if (rules.dropCache && !hasPrivate) return PageKind.cache;
    if (rules.dropCachePrivate) return hasPrivate ? PageKind.cachePrivate : PageKind.cache;
  }

  // A process's own data: anonymous memory, and huge pages from the hugetlb pool.
  if (rules.dropUser && (anonymous || hugetlb)) return PageKind.user;

  // Broken memory. Reading it may raise another machine check, so it stays out at every level.
  if ((flags & rules.hwpoisonMask) !== 0) return PageKind.hwpoison;

  // Memory that was given back to the host. Reading it may fail or stop the guest, so it stays out at every level.
  if (mapcount === rules.offlineType && !slab) return PageKind.offline;

  return PageKind.kept;
}
