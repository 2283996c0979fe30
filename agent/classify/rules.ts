/**
 * What decides about a page, for one kernel and one dump level: the numbers that `assembly/classify-batch.ts` compares with.
 */
import type { PageLayout } from '../memory-model/page-layout.ts';
import { dumpLevel } from './page-kind.ts';

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

/** No signed 32 bit number equals it. */
export const noType = 2 ** 31;

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
