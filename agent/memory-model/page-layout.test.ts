import t from 'tap';
import { buildMemMap, type MemMapOptions } from '../testing/build-mem-map.ts';
import type { EraName } from '../testing/kernel-eras.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import { pageLayout } from './page-layout.ts';

function layoutOf(options: MemMapOptions) {
  return pageLayout(parseVmcoreinfo(buildMemMap('0x0 kernel', options).vmcoreinfo()));
}

/** Order field, hugetlb sign, tail word of each kernel: word offset, shift, mask. */
const compound: [era: EraName, order: string, hugetlb: string, head: number | undefined][] = [
  ['3.10', '40 0 -1', 'tail-pointer 32', undefined],
  ['4.4', '40 16 65535', 'tail-field 40 0 65535 = 2', 32],
  ['4.14', '44 0 -1', 'tail-field 40 0 -1 = 2', 32],
  ['5.10', '16 8 255', 'tail-field 16 0 255 = 2', 8],
  ['6.4', '16 8 255', 'tail-field 16 0 255 = 2', 8],
  ['6.7', '0 0 255', 'tail-field 0 8 1 = 1', 8],
  ['6.9', '0 0 255', 'page-type -2049', 8],
  ['6.11', '0 0 255', 'page-type -67108865', 8],
  ['6.12', '0 0 255', 'page-type -201326592', 8],
  ['6.17', '0 0 255', 'page-type -201326592', 8],
  ['7.2', '0 0 255', 'page-type -201326592', 8],
];

for (const [era, order, hugetlb, head] of compound) {
  t.test(`pageLayout() of Linux ${era}`, (t) => {
    const layout = layoutOf({ era });
    const { wordOffset, shift, mask } = layout.compound.order!;
    const sign = layout.compound.hugetlb!;
    const field = sign.kind === 'tail-field' ? `${sign.field.wordOffset} ${sign.field.shift} ${sign.field.mask} = ${sign.value}` : '';
    t.equal(`${wordOffset} ${shift} ${mask}`, order);
    t.equal(`${sign.kind} ${sign.kind === 'page-type' ? sign.value : sign.kind === 'tail-pointer' ? sign.wordOffset : field}`, hugetlb);
    t.equal(layout.compoundHead, head);
    t.equal(layout.sizeBytes, 64);
    t.end();
  });
}

t.test('a page type is the same number whether it is printed with a sign or without', (t) => {
  const signed = layoutOf({ era: '6.12' });
  const unsigned = layoutOf({ era: '6.17' });
  t.equal(signed.types.buddy, 0xf0 << 24);
  t.equal(unsigned.types.buddy, signed.types.buddy);
  t.equal(layoutOf({ era: '6.12', vmcoreinfo: { 'NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)': '0xf0000000' } }).types.buddy, signed.types.buddy);
  t.end();
});

t.test('the slab flag is not looked for where slab is a page type', (t) => {
  t.equal(layoutOf({ era: '6.9' }).masks.slab, 1 << 11);
  t.equal(layoutOf({ era: '6.12' }).masks.slab, undefined);
  t.equal(layoutOf({ era: '6.12', vmcoreinfo: { 'NUMBER(PG_slab)': '7' } }).masks.slab, undefined);
  t.end();
});

t.test('what a kernel leaves out stays undefined, except what is known without it', (t) => {
  t.equal(layoutOf({ era: '3.10' }).masks.head, 1 << 14);
  t.equal(layoutOf({ era: '4.14', vmcoreinfo: { 'NUMBER(PG_swapbacked)': undefined } }).masks.swapbacked, 1 << 18);
  t.equal(layoutOf({ era: '3.10', vmcoreinfo: { 'NUMBER(PG_swapbacked)': undefined } }).masks.swapbacked, undefined);
  t.equal(layoutOf({ vmcoreinfo: { 'OFFSET(page._mapcount)': undefined } }).mapcount, undefined);
  t.equal(layoutOf({ vmcoreinfo: { 'LENGTH(zone.free_area)': undefined } }).freeOrders, undefined);
  const withoutOrder = { 'OFFSET(page.compound_order)': undefined, 'OFFSET(page.compound_dtor)': undefined };
  t.same(layoutOf({ vmcoreinfo: withoutOrder }).compound, { order: undefined, hugetlb: undefined });
  t.end();
});

for (const key of ['SIZE(page)', 'OFFSET(page.flags)', 'OFFSET(page.mapping)']) {
  t.test(`without ${key} nothing can be filtered`, (t) => {
    t.throws(() => layoutOf({ vmcoreinfo: { [key]: undefined } }), { code: 'memory-model/unreadable' });
    t.end();
  });
}

const nonsense: [key: string, values: string[]][] = [
  ['SIZE(page)', ['0', '16', '63', '4096']],
  ['OFFSET(page.flags)', ['1', '64', '-8', '61', '1000000']],
  ['OFFSET(page.private)', ['62', '64']],
  ['OFFSET(page.compound_order)', ['64', '1000000']],
  ['NUMBER(PG_lru)', ['32', '-1', '9007199254740991']],
  ['NUMBER(PG_hugetlb)', ['5', '64']],
  ['NUMBER(PG_head_mask)', ['-1', '8589934592']],
  ['LENGTH(zone.free_area)', ['0', '64']],
];

for (const [key, values] of nonsense) {
  t.test(`a ${key} that cannot be is refused`, (t) => {
    for (const value of values) t.throws(() => layoutOf({ vmcoreinfo: { [key]: value } }), /Cannot use|Cannot read/, value);
    t.end();
  });
}
