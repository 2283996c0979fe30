/**
 * How many pages share the fate of one: a compound page's, a free block's.
 *
 * The struct pages lie in an array of 32 bit words; a position is an index in it.
 */
import type { HugetlbSign } from '../memory-model/compound-layout.ts';
import type { PageLayout } from '../memory-model/page-layout.ts';

/** The compound layout in words. `hugetlb` is decided by comparing one or two masked words with values. */
export type CompoundRules = {
  readonly headMask: number;
  readonly orderWord: number;
  readonly orderShift: number;
  readonly orderMask: number;
  /** True: the first word is the head's, else the tail's. */
  readonly hugetlbInHead: boolean;
  readonly hugetlbWord: number;
  readonly hugetlbShift: number;
  readonly hugetlbMask: number;
  readonly hugetlbValue: number;
  /** A second word of the tail and its value. Repeats the first where one word is enough. */
  readonly hugetlbHighWord: number;
  readonly hugetlbHighMask: number;
  readonly hugetlbHighValue: number;
  /** Free blocks of this order and above do not exist. */
  readonly freeOrders: number;
};

/** Order of the largest compound page of any x86_64 or aarch64 kernel, a hugetlb page of 16 GiB. One beyond it is damage. */
const largestCompoundOrder = 22;

/** Orders 0 … 10 exist on every kernel, also where LENGTH(zone.free_area) does not tell. */
const surestFreeOrders = 11;

export function compoundRules(layout: PageLayout): CompoundRules {
  const { order, hugetlb } = layout.compound;
  const sign = hugetlbRules(hugetlb, layout);
  return {
    headMask: layout.masks.head,
    orderWord: order === undefined ? 0 : order.wordOffset / 4,
    orderShift: order?.shift ?? 0,
    orderMask: order?.mask ?? 0,
    ...sign,
    freeOrders: layout.freeOrders ?? surestFreeOrders,
  };
}

/** A masked word is never negative zero or a fraction: this value is never found. */
const neverFound = 0.5;

function hugetlbRules(sign: HugetlbSign | undefined, layout: PageLayout) {
  const rules = { hugetlbInHead: false, hugetlbWord: 0, hugetlbShift: 0, hugetlbMask: -1, hugetlbValue: neverFound };
  const oneWord = { hugetlbHighWord: 0, hugetlbHighMask: 0, hugetlbHighValue: 0 };
  if (sign === undefined || (sign.kind === 'page-type' && layout.mapcount === undefined)) return { ...rules, ...oneWord };
  if (sign.kind === 'page-type') {
    return { ...rules, ...oneWord, hugetlbInHead: true, hugetlbWord: (layout.mapcount ?? 0) / 4, hugetlbValue: sign.value };
  }
  if (sign.kind === 'tail-field') {
    const { wordOffset, shift, mask } = sign.field;
    return { ...rules, ...oneWord, hugetlbWord: wordOffset / 4, hugetlbShift: shift, hugetlbMask: mask, hugetlbValue: sign.value };
  }
  const high = { hugetlbHighWord: sign.wordOffset / 4 + 1, hugetlbHighMask: -1, hugetlbHighValue: sign.high };
  return { ...rules, ...high, hugetlbWord: sign.wordOffset / 4, hugetlbValue: sign.low };
}

/** Whether the compound page at `head`, with its first tail page at `tail`, is a hugetlb page. */
export function isHugetlb(rules: CompoundRules, words: Int32Array, head: number, tail: number): boolean {
  const word = words[(rules.hugetlbInHead ? head : tail) + rules.hugetlbWord];
  return (
    ((word >>> rules.hugetlbShift) & rules.hugetlbMask) === rules.hugetlbValue &&
    (words[tail + rules.hugetlbHighWord] & rules.hugetlbHighMask) === rules.hugetlbHighValue
  );
}

/**
 * Pages of the compound page at `pfn` whose first tail page is at `tail`.
 * @returns 0 when no compound page of the order told there starts at `pfn`.
 */
export function compoundPages(rules: CompoundRules, words: Int32Array, tail: number, pfn: number): number {
  const order = (words[tail + rules.orderWord] >>> rules.orderShift) & rules.orderMask;
  return order >= 0 && order <= largestCompoundOrder ? alignedPages(order, pfn) : 0;
}

/**
 * Pages of a free block at `pfn`, from the two words of `page.private`.
 * @returns 0 when no free block of that order starts at `pfn`.
 */
export function freeBlockPages(rules: CompoundRules, privateLow: number, privateHigh: number, pfn: number): number {
  return privateHigh === 0 && privateLow >= 0 && privateLow < rules.freeOrders ? alignedPages(privateLow, pfn) : 0;
}

/** Blocks of any kind start at a multiple of their size. A shift, as `2 ** order` would make a fraction of every count behind it: 10 times slower. */
function alignedPages(order: number, pfn: number): number {
  const pages = 1 << order;
  return pfn % pages === 0 ? pages : 0;
}
