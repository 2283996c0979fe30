import t from 'tap';
import type { PageLayout } from '../memory-model/page-layout.ts';
import { PageKind } from './page-kind.ts';
import { Bitmap } from '../bitmap/bitmap.ts';
import { BatchClassifier } from './batch.ts';
import { pageRules } from './rules.ts';

const lru = 1 << 5;
const swapcache = 1 << 10;
const privateData = 1 << 13;
const swapbacked = 1 << 17;
const hwpoison = 1 << 19;
const none = -1;
const anonymous = 1;

const layout: PageLayout = {
  sizeBytes: 64,
  flags: 0,
  mapping: 24,
  mapcount: 48,
  private: 40,
  compoundHead: 8,
  masks: { lru, private: privateData, swapcache, swapbacked, slab: undefined, head: 1 << 6, hwpoison },
  types: { buddy: 0xf0 << 24, offline: 0xf1 << 24, hugetlb: 0xf4 << 24, slab: 0xf5 << 24, unaccepted: 0xf7 << 24 },
  compound: { order: undefined, hugetlb: { kind: 'page-type', value: 0xf4 << 24 } },
  freeOrders: 11,
};

type Page = { flags?: number; mapping?: number; mapcount?: number; hugetlb?: boolean };

function kindOf({ flags = 0, mapping = 0, mapcount = none, hugetlb = false }: Page, level: number, of: PageLayout = layout): string {
  const batch = new BatchClassifier(of, pageRules(of, level).rules);
  batch.startWindow(Bitmap.fromRanges(1024, [{ start: 0, end: 1024 }]), 0);
  const page = new Int32Array((2 * of.sizeBytes) / 4);
  page[of.flags / 4] = hugetlb ? flags | of.masks.head : flags;
  page[of.mapping / 4] = mapping;
  if (of.mapcount !== undefined) page[of.mapcount / 4] = hugetlb ? of.types.hugetlb! : mapcount;
  batch.classify(new Uint8Array(page.buffer), 0, 0, 1, 2);
  const kind = batch.dropped.findIndex((pages) => pages > 0);
  return Object.entries(PageKind).find(([, value]) => value === Math.max(kind, PageKind.kept))![0];
}

/** What each page is at the levels 0, 2, 4, 8, 16, 31. */
const pages: [name: string, page: Page, kinds: string][] = [
  ['kernel page', {}, 'kept kept kept kept kept kept'],
  ['free block', { mapcount: 0xf0 << 24 }, 'kept kept kept kept free free'],
  ['free block that looks anonymous', { mapcount: 0xf0 << 24, mapping: 1 }, 'kept kept kept user free free'],
  ['unaccepted block', { mapcount: 0xf7 << 24 }, 'kept kept kept kept free free'],
  ['page cache', { flags: lru }, 'kept cache cache kept kept cache'],
  ['page cache with buffers', { flags: lru | privateData }, 'kept kept cachePrivate kept kept cachePrivate'],
  ['swap cache without an owner', { flags: swapcache | swapbacked }, 'kept cache cache kept kept cache'],
  ['page whose owner uses the swapcache bit', { flags: swapcache }, 'kept kept kept kept kept kept'],
  ['anonymous page', { flags: lru | swapbacked, mapping: anonymous, mapcount: 3 }, 'kept kept kept user kept user'],
  ['anonymous page in the swap cache', { flags: lru | swapbacked | swapcache, mapping: anonymous }, 'kept kept kept user kept user'],
  ['hugetlb head', { hugetlb: true }, 'kept kept kept user kept user'],
  ['slab with an odd mapping word', { mapcount: 0xf5 << 24, mapping: anonymous }, 'kept kept kept kept kept kept'],
  ['broken page', { flags: hwpoison }, 'hwpoison hwpoison hwpoison hwpoison hwpoison hwpoison'],
  ['broken page of a process', { flags: hwpoison, mapping: anonymous }, 'hwpoison hwpoison hwpoison user hwpoison user'],
  ['broken page cache', { flags: hwpoison | lru }, 'hwpoison cache cache hwpoison hwpoison cache'],
  ['page given back to the host', { mapcount: 0xf1 << 24 }, 'offline offline offline offline offline offline'],
  ['page type with bits below', { mapcount: (0xf1 << 24) | 1 }, 'kept kept kept kept kept kept'],
];

for (const [name, page, kinds] of pages) {
  t.test(`a ${name}`, (t) => {
    t.equal([0, 2, 4, 8, 16, 31].map((level) => kindOf(page, level)).join(' '), kinds);
    t.end();
  });
}

t.test('before 6.10 a flag marks slab pages', (t) => {
  const slab = 1 << 9;
  const of = { ...layout, masks: { ...layout.masks, slab }, types: { ...layout.types, slab: undefined } };
  t.equal(kindOf({ flags: slab, mapping: anonymous }, 31, of), 'kept');
  t.equal(kindOf({ flags: slab, mapcount: 0xf0 << 24 }, 31, of), 'kept');
  t.equal(kindOf({ flags: slab, mapcount: 0xf1 << 24 }, 0, of), 'kept');
  t.equal(kindOf({ flags: slab | lru, mapping: anonymous }, 31, of), 'cache');
  t.end();
});

t.test('where the kernel does not tell slab pages apart, user and free pages stay and the warning says so', (t) => {
  const of = { ...layout, types: { ...layout.types, slab: undefined } };
  t.equal(kindOf({ mapping: anonymous, flags: lru }, 31, of), 'kept');
  t.equal(kindOf({ mapcount: 0xf0 << 24 }, 31, of), 'kept');
  t.equal(kindOf({ flags: lru }, 31, of), 'cache');
  t.equal(pageRules(of, 31).warnings.length, 2);
  t.equal(pageRules(of, 7).warnings.length, 0);
  t.end();
});

t.test('a kernel that exports nothing keeps everything', (t) => {
  const masks = {
    lru: undefined,
    private: undefined,
    swapcache: undefined,
    swapbacked: undefined,
    slab: undefined,
    head: 0,
    hwpoison: undefined,
  };
  const types = { buddy: undefined, offline: undefined, hugetlb: undefined, slab: undefined, unaccepted: undefined };
  const of = { ...layout, masks, types, mapcount: undefined, private: undefined };
  for (const flags of [0, -1, lru]) {
    for (const mapping of [0, 1]) for (const mapcount of [-1, 0, -128]) t.equal(kindOf({ flags, mapping, mapcount }, 31, of), 'kept');
  }
  t.end();
});
