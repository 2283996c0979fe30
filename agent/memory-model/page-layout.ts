/**
 * Where the crashed kernel keeps what the filter asks of a page: byte offsets in `struct page`, flag masks, page type values.
 *
 * Comes in: VMCOREINFO. Goes out: one plain object, made once. Which member and which value counts is decided by the keys that are
 * there, never by the kernel's version: a backport moves a feature, and its key with it. A key that is not there leaves its
 * member `undefined`, and the pages that it would have told apart are kept.
 */
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { type CompoundLayout, compoundLayout } from './compound-layout.ts';
import { unreadable } from './memory-model-error.ts';

/** Byte offsets within `struct page`, all multiples of 4; masks of the low 32 flag bits; page types as signed 32 bit numbers. */
export type PageLayout = {
  /** SIZE(page): the distance from one struct page to the next. A multiple of 4. */
  readonly sizeBytes: number;
  readonly flags: number;
  readonly mapping: number;
  /** `_mapcount`, in union with `page_type` since 4.18. */
  readonly mapcount: number | undefined;
  /** Order of a free block, among other things. */
  readonly private: number | undefined;
  /** Bit 0 of this word marks a tail page. Before 4.4 there was none. */
  readonly compoundHead: number | undefined;
  readonly masks: PageFlagMasks;
  readonly types: PageTypes;
  readonly compound: CompoundLayout;
  /** LENGTH(zone.free_area): one more than the highest order of a free block. */
  readonly freeOrders: number | undefined;
};

export type PageFlagMasks = {
  readonly lru: number | undefined;
  readonly private: number | undefined;
  readonly swapcache: number | undefined;
  /** Says whether the swapcache bit means swapcache, where that bit has other meanings too (since 4.10). */
  readonly swapbacked: number | undefined;
  /** Not there since 6.10, when slab became a page type. */
  readonly slab: number | undefined;
  readonly head: number;
  readonly hwpoison: number | undefined;
};

/** Exact values of `_mapcount` read as a signed 32 bit number. */
export type PageTypes = {
  readonly buddy: number | undefined;
  readonly offline: number | undefined;
  readonly hugetlb: number | undefined;
  readonly slab: number | undefined;
  readonly unaccepted: number | undefined;
};

/** Largest struct page that is believed. Real ones have 56 to 96 bytes; debugging options add a few words. */
const largestStructPage = 512;

/**
 * @throws MemoryModelError `memory-model/unreadable` when SIZE(page) or the offset of flags or mapping is missing, or a number cannot be one
 *   of a struct page.
 */
export function pageLayout(info: Vmcoreinfo): PageLayout {
  const sizeBytes = info.size('page');
  if (sizeBytes === undefined) throw unreadable('Cannot find struct pages: VMCOREINFO has no SIZE(page)');
  if (sizeBytes < 32 || sizeBytes > largestStructPage || sizeBytes % 4 !== 0) {
    throw unreadable(`Cannot use SIZE(page)=${sizeBytes}: expected a multiple of 4 from 32 to ${largestStructPage}`);
  }
  const types = pageTypes(info);
  return {
    sizeBytes,
    flags: needMember(info, 'page.flags', sizeBytes),
    mapping: needMember(info, 'page.mapping', sizeBytes),
    mapcount: member(info, 'page._mapcount', sizeBytes),
    private: member(info, 'page.private', sizeBytes),
    compoundHead: member(info, 'page.compound_head', sizeBytes) ?? member(info, 'page.compound_info', sizeBytes),
    masks: pageFlagMasks(info, types),
    types,
    compound: compoundLayout(info, sizeBytes, types),
    freeOrders: freeOrders(info),
  };
}

function needMember(info: Vmcoreinfo, name: string, sizeBytes: number): number {
  const offset = member(info, name, sizeBytes);
  if (offset === undefined) throw unreadable(`Cannot read struct pages: VMCOREINFO has no OFFSET(${name})`);
  return offset;
}

function member(info: Vmcoreinfo, name: string, sizeBytes: number): number | undefined {
  const offset = info.offset(name);
  if (offset !== undefined && (offset < 0 || offset + 4 > sizeBytes || offset % 4 !== 0)) {
    throw unreadable(`Cannot use OFFSET(${name})=${offset}: expected a multiple of 4 within SIZE(page)=${sizeBytes}`);
  }
  return offset;
}

function pageFlagMasks(info: Vmcoreinfo, types: PageTypes): PageFlagMasks {
  const swapcache = flagBit(info, 'PG_swapcache');
  const privateBit = flagBit(info, 'PG_private');
  return {
    lru: mask(flagBit(info, 'PG_lru')),
    private: mask(privateBit),
    swapcache: mask(swapcache),
    swapbacked: mask(flagBit(info, 'PG_swapbacked') ?? unnamedSwapbacked(swapcache, privateBit)),
    // The bit that a missing PG_slab used to have means "has waiters" since 6.10. Asking it would keep pages for nothing.
    slab: types.slab === undefined ? mask(flagBit(info, 'PG_slab')) : undefined,
    head: headMask(info),
    hwpoison: mask(flagBit(info, 'PG_hwpoison')),
  };
}

/**
 * PG_swapbacked of the kernels (4.10 and 4.11) in which PG_swapcache had become an alias of PG_owner_priv_1, a bit below PG_private, and PG_swapbacked
 * was not exported yet.
 */
function unnamedSwapbacked(swapcache: number | undefined, privateBit: number | undefined): number | undefined {
  return swapcache !== undefined && privateBit !== undefined && swapcache < privateBit ? privateBit + 6 : undefined;
}

function headMask(info: Vmcoreinfo): number {
  const exported = info.smallNumber('PG_head_mask');
  // Exported since 3.16. The 64 bit kernels before had PG_head at bit 14.
  if (exported === undefined) return 1 << 14;
  if (exported < 0 || exported > 0xffff_ffff) throw unreadable(`Cannot use NUMBER(PG_head_mask)=${exported}: expected 32 bits`);
  return exported | 0;
}

/** All PG_ bits of every kernel lie in the low half: 32 bit machines have no other. */
function flagBit(info: Vmcoreinfo, name: string): number | undefined {
  const bit = info.smallNumber(name);
  if (bit !== undefined && (bit < 0 || bit > 31)) throw unreadable(`Cannot use NUMBER(${name})=${bit}: expected a bit from 0 to 31`);
  return bit;
}

function mask(bit: number | undefined): number | undefined {
  return bit === undefined ? undefined : 1 << bit;
}

function pageTypes(info: Vmcoreinfo): PageTypes {
  return {
    buddy: pageType(info, 'PAGE_BUDDY_MAPCOUNT_VALUE'),
    offline: pageType(info, 'PAGE_OFFLINE_MAPCOUNT_VALUE'),
    hugetlb: pageType(info, 'PAGE_HUGETLB_MAPCOUNT_VALUE'),
    slab: pageType(info, 'PAGE_SLAB_MAPCOUNT_VALUE'),
    unaccepted: pageType(info, 'PAGE_UNACCEPTED_MAPCOUNT_VALUE'),
  };
}

/** Kernels print the same value with or without a sign: only its low 32 bits count. */
function pageType(info: Vmcoreinfo, name: string): number | undefined {
  const value = info.number(name);
  return value === undefined ? undefined : Number(BigInt.asIntN(32, value));
}

function freeOrders(info: Vmcoreinfo): number | undefined {
  const orders = info.length('zone.free_area');
  if (orders !== undefined && (orders < 1 || orders > 31))
    throw unreadable(`Cannot use LENGTH(zone.free_area)=${orders}: expected 1 to 31`);
  return orders;
}
