/**
 * Where the struct pages of a block tell its size and whether it is a hugetlb page: the numbers that `assembly/classify-batch.ts` works with.
 */
import type { HugetlbSign } from '../memory-model/compound-layout.ts';
import type { PageLayout } from '../memory-model/page-layout.ts';
import { noType } from './rules.ts';

/** The compound layout in byte offsets. `hugetlb` is decided by comparing one or two masked words with values. */
export type CompoundRules = {
  readonly headMask: number;
  readonly orderAt: number;
  readonly orderShift: number;
  readonly orderMask: number;
  /** True: the first word is the head's, else the tail's. */
  readonly hugetlbInHead: boolean;
  readonly hugetlbAt: number;
  readonly hugetlbShift: number;
  readonly hugetlbMask: number;
  readonly hugetlbValue: number;
  /** A second word of the tail and its value. Repeats the first where one word is enough. */
  readonly hugetlbHighAt: number;
  readonly hugetlbHighMask: number;
  readonly hugetlbHighValue: number;
  /** Free blocks of this order and above do not exist. */
  readonly freeOrders: number;
};

/** Orders 0 … 10 exist on every kernel, also where LENGTH(zone.free_area) does not tell. */
const surestFreeOrders = 11;

export function compoundRules(layout: PageLayout): CompoundRules {
  const { order, hugetlb } = layout.compound;
  const sign = hugetlbRules(hugetlb, layout);
  return {
    headMask: layout.masks.head,
    orderAt: order?.wordOffset ?? 0,
    orderShift: order?.shift ?? 0,
    orderMask: order?.mask ?? 0,
    ...sign,
    freeOrders: layout.freeOrders ?? surestFreeOrders,
  };
}

function hugetlbRules(sign: HugetlbSign | undefined, layout: PageLayout) {
  const rules = { hugetlbInHead: false, hugetlbAt: 0, hugetlbShift: 0, hugetlbMask: -1, hugetlbValue: noType };
  const oneWord = { hugetlbHighAt: 0, hugetlbHighMask: 0, hugetlbHighValue: 0 };
  if (sign === undefined || (sign.kind === 'page-type' && layout.mapcount === undefined)) return { ...rules, ...oneWord };
  if (sign.kind === 'page-type') {
    return { ...rules, ...oneWord, hugetlbInHead: true, hugetlbAt: layout.mapcount ?? 0, hugetlbValue: sign.value };
  }
  if (sign.kind === 'tail-field') {
    const { wordOffset, shift, mask } = sign.field;
    return { ...rules, ...oneWord, hugetlbAt: wordOffset, hugetlbShift: shift, hugetlbMask: mask, hugetlbValue: sign.value };
  }
  const high = { hugetlbHighAt: sign.wordOffset + 4, hugetlbHighMask: -1, hugetlbHighValue: sign.high };
  return { ...rules, ...high, hugetlbAt: sign.wordOffset, hugetlbValue: sign.low };
}
