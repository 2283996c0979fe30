import t, { type Test } from 'tap';
import type { Bitmap } from '../bitmap/bitmap.ts';
import { buildMemMap, type MemMapOptions } from '../testing/build-mem-map.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { type EraName, kernelEras } from '../testing/kernel-eras.ts';
import { openBuilt } from '../testing/open-built.ts';
import { openPageScanner, type ScanResult, scanPages } from './scan.ts';

const eras = Object.keys(kernelEras) as EraName[];

function scan(words: string, options: MemMapOptions, level: number): ScanResult {
  return scanPages({ ...openBuilt(buildMemMap(words, options).vmcore()), level });
}

/** The page frames that are dropped, as ranges `0x10-0x1f`, of those that the words name. */
function droppedRanges({ kept }: { kept: Bitmap }): string {
  const ranges: string[] = [];
  for (let pfn = kept.nextClear(0); pfn < kept.sizeBits; ) {
    const end = kept.nextSet(pfn);
    ranges.push(end - pfn === 1 ? `0x${pfn.toString(16)}` : `0x${pfn.toString(16)}-0x${(end - 1).toString(16)}`);
    pfn = kept.nextClear(end);
  }
  return ranges.join(' ');
}

type Case = {
  readonly name: string;
  readonly words: string;
  readonly level: number;
  readonly dropped: string;
  /** Count of which kind. */
  readonly kind: 'free' | 'cache' | 'cachePrivate' | 'user' | 'hwpoison' | 'offline' | undefined;
  /** Only kernels that have such pages. */
  readonly needs?: 'offline' | 'unaccepted';
};

const cases: Case[] = [
  { name: 'a free block goes as a whole', words: '0x40-0x7f free order 3', level: 16, dropped: '0x40-0x7f', kind: 'free' },
  { name: 'a free page', words: '0x41 free', level: 31, dropped: '0x41', kind: 'free' },
  { name: 'the largest free block', words: '0x400-0x7ff free order 10', level: 31, dropped: '0x400-0x7ff', kind: 'free' },
  { name: 'free blocks stay at the other levels', words: '0x40-0x7f free order 3', level: 15, dropped: '', kind: undefined },
  { name: 'page cache', words: '0x10-0x1f cache', level: 2, dropped: '0x10-0x1f', kind: 'cache' },
  { name: 'page cache at the level of private cache', words: '0x10-0x1f cache', level: 4, dropped: '0x10-0x1f', kind: 'cache' },
  { name: 'private cache stays at level 2', words: '0x10-0x1f cache private', level: 2, dropped: '', kind: undefined },
  { name: 'private cache', words: '0x10-0x1f cache private', level: 4, dropped: '0x10-0x1f', kind: 'cachePrivate' },
  { name: 'a large folio of page cache', words: '0x40-0x7f cache order 4', level: 2, dropped: '0x40-0x7f', kind: 'cache' },
  { name: 'swap cache', words: '0x10 swapcache', level: 2, dropped: '0x10', kind: 'cache' },
  { name: 'anonymous pages', words: '0x10-0x1f anon', level: 8, dropped: '0x10-0x1f', kind: 'user' },
  { name: 'anonymous pages are not cache', words: '0x10-0x1f anon', level: 23, dropped: '', kind: undefined },
  { name: 'a transparent huge page', words: '0x200-0x3ff anon order 9', level: 8, dropped: '0x200-0x3ff', kind: 'user' },
  { name: 'a hugetlb page', words: '0x200-0x3ff hugetlb order 9', level: 8, dropped: '0x200-0x3ff', kind: 'user' },
  { name: 'a hugetlb page stays at the other levels', words: '0x200-0x3ff hugetlb order 9', level: 23, dropped: '', kind: undefined },
  { name: 'a compound page of the kernel', words: '0x200-0x3ff kernel order 9', level: 31, dropped: '', kind: undefined },
  { name: 'slab pages', words: '0x10-0x1f slab order 2; 0x20 slab', level: 31, dropped: '', kind: undefined },
  { name: 'a broken page', words: '0x10 kernel hwpoison', level: 0, dropped: '0x10', kind: 'hwpoison' },
  { name: 'a broken hugetlb page', words: '0x200-0x3ff hugetlb order 9 hwpoison', level: 1, dropped: '0x200-0x3ff', kind: 'hwpoison' },
  { name: 'offline pages', words: '0x10-0x1f offline', level: 0, dropped: '0x10-0x1f', kind: 'offline', needs: 'offline' },
  {
    name: 'unaccepted memory',
    words: '0x400-0x7ff unaccepted order 10',
    level: 16,
    dropped: '0x400-0x7ff',
    kind: 'free',
    needs: 'unaccepted',
  },
];

for (const { name, words, level, dropped, kind, needs } of cases) {
  t.test(`${name}, on every kernel`, (t) => {
    for (const era of eras) {
      if (needs !== undefined && !(needs in kernelEras[era].types)) continue;
      const result = scan(words, { era }, level);
      const pages = result.kept.sizeBits - result.kept.count();
      t.equal(droppedRanges(result), dropped, `Linux ${era}`);
      if (kind !== undefined) t.equal(result.counts[kind], pages, `Linux ${era}: ${kind}`);
      t.equal(result.counts.original - result.counts.kept, pages);
      t.same(result.warnings, []);
    }
    t.end();
  });
}

const everything =
  '0x0-0xff free order 3; 0x100-0x17f anon; 0x180-0x1ff cache; 0x200-0x3ff hugetlb order 9; 0x400-0x5ff anon order 9; 0x600-0x6ff slab order 1; ' +
  '0x700-0x77f hole; 0x780 kernel hwpoison; 0x800-0xbff free order 10; 0xc00-0xc0f cache private';
const everythingDropped = '0x0-0x5ff 0x700-0x780 0x800-0xc0f';

const models: [name: string, options: MemMapOptions][] = [
  ['vmemmap', {}],
  ['vmemmap of single pages in no order', { mapping: 'pages' }],
  ['vmemmap with struct pages of 56 bytes', { mapping: 'pages', structPageBytes: 56, era: '3.10' }],
  ['SPARSEMEM_EXTREME without vmemmap', { model: 'extreme', sectionBits: 21 }],
  ['blocks larger than a section', { model: 'vmemmap', sectionBits: 20 }],
  ['SPARSEMEM', { model: 'sparse', sectionBits: 22 }],
  ['FLATMEM', { model: 'flat' }],
];

for (const [name, options] of models) {
  t.test(`every kind of page at once: ${name}`, (t) => {
    const result = scan(everything, options, 31);
    t.equal(droppedRanges(result), everythingDropped);
    const { cache, cachePrivate, user, free, hwpoison, hole } = result.counts;
    t.same(
      { cache, cachePrivate, user, free, hwpoison, hole },
      { cache: 128, cachePrivate: 16, user: 128 + 1024, free: 1280, hwpoison: 1, hole: 128 },
    );
    t.end();
  });
}

t.test('windows of any size give the bits and counts of one scan', (t) => {
  const vmcore = buildMemMap(everything, { era: '6.12' }).vmcore();
  const whole = scanPages({ ...openBuilt(vmcore), level: 31 });
  for (const size of [1, 7, 64, 300, 511, 512, 513, 2048, 100_000]) {
    const kernel = openBuilt(vmcore);
    const scanner = openPageScanner({ ...kernel, level: 31 });
    let wrong = 0;
    for (let start = 0; start < kernel.memory.endPfn; start += size) {
      const end = Math.min(kernel.memory.endPfn, start + size);
      const kept = scanner.scan({ start, end });
      for (let pfn = start; pfn < end; pfn++) if (kept.has(pfn - start) !== whole.kept.has(pfn)) wrong++;
    }
    t.equal(wrong, 0, `windows of ${size}`);
    t.same(scanner.counts(), whole.counts);
    scanner.close();
  }
  t.end();
});

t.test('progress goes up to the end', (t) => {
  const kernel = openBuilt(buildMemMap(everything).vmcore());
  const done: number[] = [];
  scanPages({ ...kernel, level: 31, onProgress: (pfns, total) => done.push(pfns, total) });
  const pfns = done.filter((_, index) => index % 2 === 0);
  t.same(
    pfns,
    [...pfns].sort((a, b) => a - b),
  );
  t.equal(pfns.at(-1), kernel.memory.endPfn);
  t.end();
});

t.test('a free block of an order that does not exist is kept and told', (t) => {
  for (const order of [11n, 63n, 64n, 0xffff_ffffn, 1n << 32n, (1n << 32n) + 2n, 0xffff_ffff_ffff_ffffn]) {
    const machine = buildMemMap('0x0 free; 0x40-0x7f free order 3');
    machine.structPage(0x40).setBigUint64(40, order, true);
    const result = scanPages({ ...openBuilt(machine.vmcore()), level: 31 });
    t.equal(droppedRanges(result), '0x0 0x48-0x7f');
    t.match(result.warnings, [/1 blocks of pages/]);
  }
  t.end();
});

t.test('a compound page of an order that cannot be drops its head alone', (t) => {
  for (const order of [10, 23, 31, 63, 64, 255]) {
    const machine = buildMemMap('0x200-0x3ff anon order 9');
    machine.structPage(0x201).setUint8(17, order);
    t.equal(droppedRanges(scanPages({ ...openBuilt(machine.vmcore()), level: 31 })), '0x200');
  }
  t.end();
});

t.test('the last page of 512 is never a head, whatever its flags say', (t) => {
  const machine = buildMemMap('0x100-0x2ff kernel');
  for (const head of [0x1fd, 0x1ff]) {
    machine.structPage(head).setInt32(0, 1 << 16, true);
    machine.structPage(head + 1).setUint8(16, 2);
  }
  t.equal(droppedRanges(scanPages({ ...openBuilt(machine.vmcore()), level: 31 })), '0x1fd');
  t.end();
});

t.test('without the keys to tell them, user and free pages stay', (t) => {
  const result = scan('0x0-0x3f free order 3; 0x40-0x4f anon; 0x50-0x5f cache', { vmcoreinfo: { 'NUMBER(PG_slab)': undefined } }, 31);
  t.equal(droppedRanges(result), '0x50-0x5f');
  t.equal(result.warnings.length, 2);
  t.end();
});

t.test('a memory model that cannot be read: refused where it is needed, told where it is not', (t) => {
  const options = { vmcoreinfo: { 'SYMBOL(mem_section)': undefined } };
  for (const level of [2, 4, 8, 16, 31]) {
    t.throws(() => scan(everything, options, level), { code: 'memory-model/unreadable', hint: /-d 1 or -d 0/ });
  }
  for (const level of [0, 1]) {
    const result = scan(everything, options, level);
    t.equal(droppedRanges(result), '0x700-0x77f');
    t.match(result.warnings, [/Cannot find struct pages/]);
  }
  t.end();
});

t.test('without page tables -d 1 still works', (t) => {
  const kernel = { ...openBuilt(buildMemMap(everything).vmcore()), virtual: undefined };
  t.equal(scanPages({ ...kernel, level: 1 }).counts.kept, kernel.memory.endPfn - 128);
  t.throws(() => scanPages({ ...kernel, level: 31 }), { code: 'memory-model/unreadable' });
  t.end();
});

t.test('struct pages that are not where the pointer says are refused', (t) => {
  const machine = buildMemMap(everything, { model: 'flat' });
  const image = machine.image();
  image.writeU64(machine.tables.data + 0x800, machine.structPageAddress(1));
  const vmcore = buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() });
  t.throws(() => scanPages({ ...openBuilt(vmcore), level: 31 }), /Cannot trust the struct pages/);
  t.end();
});

t.test('a machine whose struct pages are partly missing keeps those pages', (t) => {
  const machine = buildMemMap('0x0-0xfff anon', { mapping: 'pages' });
  const lost = [...new Set([0x100, 0x300].map((pfn) => Math.floor(machine.structPagePhysical(pfn) / 4096)))];
  const segments = machine.image().segments();
  const cut = lost.reduce((pieces, pfn) => pieces.flatMap((piece) => withoutPage(piece, pfn)), segments);
  const result = scanPages({ ...openBuilt(buildVmcore({ segments: cut, vmcoreinfo: machine.vmcoreinfo() })), level: 31 });
  expectKept(t, result, [0x100, 0x140], [0x300, 0x340]);
  t.match(result.warnings, [/128 pages cannot be read/]);
  t.end();
});

type Piece = { readonly physicalAddress: number; readonly data: Uint8Array };

function withoutPage(piece: Piece, pfn: number): Piece[] {
  const at = pfn * 4096 - piece.physicalAddress;
  if (at < 0 || at >= piece.data.length) return [piece];
  const rest = { physicalAddress: pfn * 4096 + 4096, data: piece.data.subarray(at + 4096) };
  return [{ ...piece, data: piece.data.subarray(0, at) }, rest].filter(({ data }) => data.length > 0);
}

function expectKept(t: Test, { kept }: ScanResult, ...ranges: [number, number][]): void {
  for (let pfn = 0; pfn < 0x1000; pfn++) {
    const expected = ranges.some(([start, end]) => pfn >= start && pfn < end);
    if (kept.has(pfn) !== expected) t.fail(`page frame ${pfn} is ${expected ? 'dropped' : 'kept'}`);
  }
}
