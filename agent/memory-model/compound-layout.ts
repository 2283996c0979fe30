/**
 * Where a compound page keeps its order, and what makes it a hugetlb page: five ways since Linux 3.10.
 *
 * | kernels   | key that tells               | order                      | hugetlb                              |
 * |-----------|------------------------------|----------------------------|--------------------------------------|
 * | 6.9 …     | PAGE_HUGETLB_MAPCOUNT_VALUE  | low byte of page[1].flags  | head's page type                     |
 * | 6.6 – 6.8 | PG_hugetlb                   | low byte of page[1].flags  | a bit of page[1].flags               |
 * | 6.3 – 6.5 | folio._folio_order           | page[1], one byte          | destructor number in page[1]         |
 * | 4.4 – 6.2 | page.compound_order          | page[1], 1, 2 or 4 bytes   | destructor number in page[1]         |
 * | … – 4.3   | none of them                 | page[1].lru.prev           | destructor's address, page[1].lru.next |
 */
import type { VirtAddr } from '../binary/units.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { unreadable } from './memory-model-error.ts';
import type { PageTypes } from './page-layout.ts';

/** An unsigned number within the 32 bit word at `wordOffset` of the struct page after the head's. */
export type TailField = {
  /** In bytes, a multiple of 4. */
  readonly wordOffset: number;
  readonly shift: number;
  /** Applies after the shift. */
  readonly mask: number;
};

export type HugetlbSign =
  /** `_mapcount` of the head page has this value. */
  | { readonly kind: 'page-type'; readonly value: number }
  /** The field of the tail page has this value: a flag, or the number of the hugetlb destructor. */
  | { readonly kind: 'tail-field'; readonly field: TailField; readonly value: number }
  /** Two words of the tail page have these values: the address of the hugetlb destructor. */
  | { readonly kind: 'tail-pointer'; readonly wordOffset: number; readonly low: number; readonly high: number };

export type CompoundLayout = {
  /** Undefined: orders are unknown, each page stands for itself. */
  readonly order: TailField | undefined;
  /** Undefined: the kernel has no hugetlb pages, or does not tell. */
  readonly hugetlb: HugetlbSign | undefined;
};

/** @throws MemoryModelError `memory-model/unreadable` when a field lies outside the struct page. */
export function compoundLayout(info: Vmcoreinfo, sizeBytes: number, types: PageTypes): CompoundLayout {
  const flags = info.offset('page.flags') ?? 0;
  const hugetlbBit = info.smallNumber('PG_hugetlb');
  if (types.hugetlb !== undefined) {
    return { order: tailField('page.flags', flags, 1, sizeBytes), hugetlb: { kind: 'page-type', value: types.hugetlb } };
  }
  if (hugetlbBit !== undefined) {
    if (hugetlbBit < 8 || hugetlbBit > 31) throw unreadable(`Cannot use NUMBER(PG_hugetlb)=${hugetlbBit}: expected a bit from 8 to 31`);
    const bit = { wordOffset: flags, shift: hugetlbBit, mask: 1 };
    return { order: tailField('page.flags', flags, 1, sizeBytes), hugetlb: { kind: 'tail-field', field: bit, value: 1 } };
  }
  const folioOrder = info.offset('folio._folio_order');
  if (folioOrder !== undefined) {
    const dtor = info.offset('folio._folio_dtor');
    return {
      order: tailField('folio._folio_order', folioOrder - sizeBytes, 1, sizeBytes),
      hugetlb: dtor === undefined ? undefined : destructorNumber(info, 'folio._folio_dtor', dtor - sizeBytes, 1, sizeBytes),
    };
  }
  const order = info.offset('page.compound_order');
  if (order !== undefined) return pageCompound(info, order, sizeBytes);
  return lruCompound(info, sizeBytes);
}

/**
 * 4.4 – 6.2. The order directly follows the destructor's number and has the same type: u16 in 4.4, u32 from 4.5 on, u8 from 4.16 on. So
 * their distance is the size of both, and no version need be asked.
 */
function pageCompound(info: Vmcoreinfo, order: number, sizeBytes: number): CompoundLayout {
  const dtor = info.offset('page.compound_dtor');
  const distance = dtor === undefined ? 1 : order - dtor;
  const width = distance === 2 || distance === 4 ? distance : 1;
  return {
    order: tailField('page.compound_order', order, width, sizeBytes),
    hugetlb: dtor === undefined ? undefined : destructorNumber(info, 'page.compound_dtor', dtor, width, sizeBytes),
  };
}

/** Before 4.4: the list head of the first tail page holds the destructor's address and the order, each a whole word. */
function lruCompound(info: Vmcoreinfo, sizeBytes: number): CompoundLayout {
  const lru = info.offset('page.lru');
  const head = info.offset('page.compound_head') ?? info.offset('page.compound_info');
  if (lru === undefined || head !== undefined) return { order: undefined, hugetlb: undefined };
  const next = lru + (info.offset('list_head.next') ?? 0);
  const prev = lru + (info.offset('list_head.prev') ?? 8);
  const free = info.symbol('free_huge_page');
  return {
    order: tailField('page.lru', prev, 4, sizeBytes),
    hugetlb: free === undefined ? undefined : destructorPointer(free, tailField('page.lru', next, 8, sizeBytes).wordOffset),
  };
}

function destructorNumber(info: Vmcoreinfo, name: string, offset: number, width: number, sizeBytes: number): HugetlbSign | undefined {
  const value = info.smallNumber('HUGETLB_PAGE_DTOR');
  return value === undefined ? undefined : { kind: 'tail-field', field: tailField(name, offset, width, sizeBytes), value };
}

function destructorPointer(address: VirtAddr, wordOffset: number): HugetlbSign {
  return { kind: 'tail-pointer', wordOffset, low: Number(BigInt.asIntN(32, address)), high: Number(BigInt.asIntN(32, address >> 32n)) };
}

/** @param width bytes: 1, 2, 4 or 8 (of which the low 4 are read). */
function tailField(name: string, offset: number, width: number, sizeBytes: number): TailField {
  if (offset < 0 || offset + width > sizeBytes || offset % width !== 0) {
    throw unreadable(
      `Cannot use OFFSET(${name}): ${width} bytes at ${offset} of the tail page, expected them within SIZE(page)=${sizeBytes}`,
    );
  }
  const low = offset % 4;
  return { wordOffset: offset - low, shift: low * 8, mask: width === 1 ? 0xff : width === 2 ? 0xffff : -1 };
}
