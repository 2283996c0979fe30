/**
 * Kernels since 3.10 as far as their struct pages differ: what VMCOREINFO says about them, and how a built struct page is filled so
 * that it is what such a kernel would have made. x86_64 distribution configurations.
 */

/** How a compound page keeps its order and whether it is a hugetlb page. */
export type CompoundStyle = 'lru' | 'u16' | 'u32' | 'u8' | 'folio' | 'flag' | 'type';

export type KernelEra = {
  readonly release: string;
  /** Bit number by name, in the order of `enum pageflags`. */
  readonly bits: { readonly [name: string]: number };
  /** OFFSET(page.…), OFFSET(folio.…). */
  readonly offsets: { readonly [member: string]: number };
  /** Values of `_mapcount` (`page_type`) that mark a page, as signed 32 bit numbers. */
  readonly types: { readonly [name: string]: number };
  readonly compound: CompoundStyle;
  /** Print page types as unsigned numbers. */
  readonly unsignedTypes?: boolean;
  /** Slab pages are marked by a flag. */
  readonly slabFlag: boolean;
};

const bits3 = order(
  'locked error referenced uptodate dirty lru active slab owner_priv_1 arch_1 reserved private private_2 writeback head tail swapcache mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison',
);
const bits4 = order(
  'locked error referenced uptodate dirty lru active waiters slab swapcache arch_1 reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison',
);
const bits5 = order(
  'locked referenced uptodate dirty lru active workingset waiters error slab swapcache arch_1 reserved private private_2 writeback head mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison',
);
const bits6 = order(
  'locked writeback referenced uptodate dirty lru head waiters active workingset error slab swapcache arch_1 reserved private private_2 mappedtodisk reclaim swapbacked unevictable mlocked uncached hwpoison',
);
const bits610 = order(
  'locked writeback referenced uptodate dirty lru head waiters active workingset swapcache owner_2 arch_1 reserved private private_2 reclaim swapbacked unevictable mlocked hwpoison',
);

/** Before 4.18: the third word holds `_mapcount`, lists come after it. */
const oldOffsets = { 'page.flags': 0, 'page.mapping': 8, 'page._mapcount': 24, 'page._count': 28, 'page.lru': 32, 'page.private': 48 };
const newOffsets = {
  'page.flags': 0,
  'page._refcount': 52,
  'page.mapping': 24,
  'page.lru': 8,
  'page._mapcount': 48,
  'page.private': 40,
  'page.compound_head': 8,
};
const invertedFlags = { buddy: ~0x80, offline: ~0x100 };
const topBytes = { buddy: 0xf0 << 24, offline: 0xf1 << 24, hugetlb: 0xf4 << 24, slab: 0xf5 << 24 };

export const kernelEras = {
  '3.10': { release: '3.10.108', bits: bits3, offsets: oldOffsets, types: { buddy: -128 }, compound: 'lru', slabFlag: true },
  '4.4': {
    release: '4.4.302',
    bits: bits3,
    offsets: { ...oldOffsets, 'page.compound_head': 32, 'page.compound_dtor': 40, 'page.compound_order': 42 },
    types: { buddy: -128 },
    compound: 'u16',
    slabFlag: true,
  },
  '4.14': {
    release: '4.14.336',
    bits: bits4,
    offsets: { ...renameCount(oldOffsets), 'page.compound_head': 32, 'page.compound_dtor': 40, 'page.compound_order': 44 },
    types: { buddy: -128 },
    compound: 'u32',
    slabFlag: true,
  },
  '5.10': {
    release: '5.10.209',
    bits: bits5,
    offsets: { ...newOffsets, 'page.compound_dtor': 16, 'page.compound_order': 17 },
    types: invertedFlags,
    compound: 'u8',
    slabFlag: true,
  },
  '6.4': {
    release: '6.4.16',
    bits: bits6,
    offsets: { ...newOffsets, 'folio._folio_dtor': 80, 'folio._folio_order': 81 },
    types: invertedFlags,
    compound: 'folio',
    slabFlag: true,
  },
  '6.7': { release: '6.7.12', bits: bits6, offsets: newOffsets, types: invertedFlags, compound: 'flag', slabFlag: true },
  '6.9': {
    release: '6.9.12',
    bits: bits6,
    offsets: newOffsets,
    types: { ...invertedFlags, hugetlb: ~0x800 },
    compound: 'type',
    slabFlag: true,
  },
  '6.11': {
    release: '6.11.11',
    bits: bits610,
    offsets: newOffsets,
    types: { buddy: ~0x40000000, offline: ~0x20000000, hugetlb: ~0x04000000, slab: ~0x02000000 },
    compound: 'type',
    slabFlag: false,
  },
  '6.12': { release: '6.12.30', bits: bits610, offsets: newOffsets, types: topBytes, compound: 'type', slabFlag: false },
  '6.17': {
    release: '6.17.1',
    bits: bits610,
    offsets: newOffsets,
    types: { ...topBytes, unaccepted: 0xf7 << 24 },
    compound: 'type',
    unsignedTypes: true,
    slabFlag: false,
  },
  '7.2': {
    release: '7.2.0',
    bits: bits610,
    offsets: renameHead(newOffsets),
    types: { ...topBytes, unaccepted: 0xf7 << 24 },
    compound: 'type',
    unsignedTypes: true,
    slabFlag: false,
  },
} as const satisfies { readonly [name: string]: KernelEra };

export type EraName = keyof typeof kernelEras;

/** HUGETLB_PAGE_DTOR, and the address of its function before 4.4. */
export const hugetlbDestructor = 2;
export const freeHugePage = 0xffffffff811d2340n;
/** PG_hugetlb of 6.6 – 6.8, a bit of the first tail page: PG_active's place. */
export const hugetlbFlagBit = 8;
export const freeOrders = 11;

/** NUMBER(…) of the era's VMCOREINFO. */
export function eraNumbers(era: KernelEra): { [name: string]: number } {
  const { bits } = era;
  const numbers: { [name: string]: number } = {
    NR_FREE_PAGES: 0,
    PG_lru: bits.lru,
    PG_private: bits.private,
    PG_swapcache: bits.swapcache,
    PG_swapbacked: bits.swapbacked,
    PG_hwpoison: bits.hwpoison,
  };
  if (era.slabFlag) numbers.PG_slab = bits.slab;
  if (era.compound !== 'lru') numbers.PG_head_mask = 2 ** bits.head;
  if (['u8', 'u16', 'u32', 'folio'].includes(era.compound)) numbers.HUGETLB_PAGE_DTOR = hugetlbDestructor;
  if (era.compound === 'flag') numbers.PG_hugetlb = hugetlbFlagBit;
  for (const [name, value] of Object.entries(era.types)) {
    numbers[`PAGE_${name.toUpperCase()}_MAPCOUNT_VALUE`] = era.unsignedTypes ? value >>> 0 : value;
  }
  return numbers;
}

function order(names: string): { [name: string]: number } {
  return Object.fromEntries(names.split(' ').map((name, bit) => [name, bit]));
}

function renameCount(offsets: { [member: string]: number }): { [member: string]: number } {
  const { 'page._count': count, ...rest } = offsets;
  return { ...rest, 'page._refcount': count };
}

function renameHead(offsets: { [member: string]: number }): { [member: string]: number } {
  const { 'page.compound_head': head, ...rest } = offsets;
  return { ...rest, 'page.compound_info': head };
}
