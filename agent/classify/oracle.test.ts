/**
 * The scan against two judges that share no code with it: a slow filter written down here, and makedumpfile.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { buildMemMap, type MemMapMachine, type MemMapOptions } from '../testing/build-mem-map.ts';
import { type EraName, kernelEras } from '../testing/kernel-eras.ts';
import { type BuiltKernel, openBuilt } from '../testing/open-built.ts';
import { makeFolder, runTool } from '../testing/other-tools.ts';
import { scanPages } from './scan.ts';

const eras = Object.keys(kernelEras) as EraName[];

/** Numbers from 0 to `below`, the same for the same seed. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}

const machinePages = 0x800;

/** Words for a machine whose blocks are as a kernel would make them: aligned, of one kind. */
function randomWords(random: (below: number) => number, era: EraName): string {
  const { types } = kernelEras[era];
  const uses = ['free', 'free', 'anon', 'anon', 'cache', 'cache', 'slab', 'kernel', 'hugetlb', 'swapcache', 'hole'];
  if ('offline' in types) uses.push('offline');
  if ('unaccepted' in types) uses.push('unaccepted');
  const words: string[] = [];
  for (let pfn = 0; pfn < machinePages; ) {
    const use = uses[random(uses.length)];
    let order = { hole: 0, offline: 0, swapcache: 0, unaccepted: 10, hugetlb: 9 }[use] ?? (random(3) === 0 ? random(10) : 0);
    while (pfn % 2 ** order !== 0) order--;
    if ((use === 'unaccepted' && order !== 10) || (use === 'hugetlb' && order === 0)) continue;
    const end = order === 0 ? Math.min(machinePages, pfn + 1 + random(40)) : pfn + 2 ** order;
    const more = `${use === 'cache' && random(3) === 0 ? ' private' : ''}${use !== 'free' && use !== 'hole' && random(30) === 0 ? ' hwpoison' : ''}`;
    words.push(`0x${pfn.toString(16)}-0x${(end - 1).toString(16)} ${use}${order > 0 ? ` order ${order}` : ''}${more}`);
    pfn = end;
  }
  return words.join('; ');
}

type Verdict = 'kept' | 'cache' | 'cachePrivate' | 'user' | 'free' | 'hwpoison' | 'offline' | 'absent';

/** Page by page, field by field, in 64 bit numbers, from the text of VMCOREINFO. */
function slowFilter(machine: MemMapMachine, exists: (pfn: number) => boolean, level: number): Verdict[] {
  const lines = machine.vmcoreinfo().trim().split('\n');
  const keys = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const values = new Map<string, bigint | undefined>();
  const key = (name: string) => {
    if (!values.has(name))
      values.set(name, keys.has(name) ? BigInt(`${name.startsWith('SYMBOL') ? '0x' : ''}${keys.get(name)}`) : undefined);
    return values.get(name);
  };
  const size = Number(key('SIZE(page)'));
  const bytes = (pfn: number, offset: bigint, width: number) => {
    let value = 0n;
    for (let i = width - 1; i >= 0; i--) value = value * 256n + BigInt(machine.structPages[pfn * size + Number(offset) + i]);
    return value;
  };
  const field = (pfn: number, name: string, width = 8) => {
    const offset = key(`OFFSET(${name})`);
    return offset === undefined ? undefined : bytes(pfn, offset, width);
  };
  const bit = (pfn: number, name: string) => {
    const number = key(`NUMBER(${name})`);
    return number !== undefined && ((field(pfn, 'page.flags')! >> number) & 1n) === 1n;
  };
  const type = (pfn: number, name: string) => {
    const value = key(`NUMBER(PAGE_${name}_MAPCOUNT_VALUE)`);
    return value !== undefined && field(pfn, 'page._mapcount', 4) === BigInt.asUintN(32, value);
  };
  const slab = (pfn: number) => type(pfn, 'SLAB') || (key('NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)') === undefined && bit(pfn, 'PG_slab'));
  const compound = (pfn: number): { order: bigint; hugetlb: boolean } => {
    const head = key('NUMBER(PG_head_mask)') ?? 1n << 14n;
    const none = { order: 0n, hugetlb: false };
    if ((field(pfn, 'page.flags')! & head) === 0n || pfn % 512 === 511 || pfn + 1 === machine.endPfn) return none;
    const found = compoundFields(pfn + 1, type(pfn, 'HUGETLB'));
    const valid = found.order < 23n && BigInt(pfn) % (1n << found.order) === 0n;
    return { ...found, order: valid ? found.order : 0n };
  };
  const compoundFields = (tail: number, typed: boolean): { order: bigint; hugetlb: boolean } => {
    const low = field(tail, 'page.flags')! & 0xffn;
    if (key('NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)') !== undefined) return { order: low, hugetlb: typed };
    if (key('NUMBER(PG_hugetlb)') !== undefined) return { order: low, hugetlb: bit(tail, 'PG_hugetlb') };
    const destructor = key('NUMBER(HUGETLB_PAGE_DTOR)');
    const folioOrder = key('OFFSET(folio._folio_order)');
    if (folioOrder !== undefined) {
      const dtor = key('OFFSET(folio._folio_dtor)')! - BigInt(size);
      return { order: bytes(tail, folioOrder - BigInt(size), 1), hugetlb: bytes(tail, dtor, 1) === destructor };
    }
    const major = machine.era.release.split('.').map(Number);
    const width = major[0] > 4 || major[1] >= 16 ? 1 : major[1] === 4 ? 2 : 4;
    if (key('OFFSET(page.compound_order)') !== undefined) {
      return { order: field(tail, 'page.compound_order', width)!, hugetlb: field(tail, 'page.compound_dtor', width) === destructor };
    }
    const lru = key('OFFSET(page.lru)')!;
    return { order: bytes(tail, lru + 8n, 4), hugetlb: bytes(tail, lru, 8) === key('SYMBOL(free_huge_page)') };
  };
  const decide = (pfn: number): { verdict: Verdict; order: bigint } => {
    const { order, hugetlb } = compound(pfn);
    const freeOrders = key('LENGTH(zone.free_area)')!;
    const anonymous = (field(pfn, 'page.mapping')! & 1n) === 1n && !slab(pfn);
    const cache =
      bit(pfn, 'PG_lru') || (bit(pfn, 'PG_swapcache') && (key('NUMBER(PG_swapbacked)') === undefined || bit(pfn, 'PG_swapbacked')));
    if (((field(pfn, 'page.compound_head') ?? field(pfn, 'page.compound_info') ?? 0n) & 1n) === 1n) return { verdict: 'kept', order: 0n };
    if ((level & 16) !== 0 && type(pfn, 'BUDDY') && !slab(pfn)) {
      const free = field(pfn, 'page.private')!;
      const valid = free < freeOrders && BigInt(pfn) % (1n << free) === 0n;
      return valid ? { verdict: 'free', order: free } : { verdict: 'kept', order: 0n };
    }
    if ((level & 16) !== 0 && type(pfn, 'UNACCEPTED')) {
      const valid = BigInt(pfn) % (1n << (freeOrders - 1n)) === 0n;
      return valid ? { verdict: 'free', order: freeOrders - 1n } : { verdict: 'kept', order: 0n };
    }
    if ((level & 2) !== 0 && cache && !bit(pfn, 'PG_private') && !anonymous) return { verdict: 'cache', order };
    if ((level & 4) !== 0 && cache && !anonymous) return { verdict: bit(pfn, 'PG_private') ? 'cachePrivate' : 'cache', order };
    if ((level & 8) !== 0 && (anonymous || hugetlb)) return { verdict: 'user', order };
    if (bit(pfn, 'PG_hwpoison')) return { verdict: 'hwpoison', order };
    if (type(pfn, 'OFFLINE') && !slab(pfn)) return { verdict: 'offline', order };
    return { verdict: 'kept', order: 0n };
  };
  const verdicts: Verdict[] = Array.from({ length: machine.endPfn }, (_, pfn) => (exists(pfn) ? 'kept' : 'absent'));
  for (let pfn = 0; pfn < machine.endPfn; ) {
    const { verdict, order } = exists(pfn) ? decide(pfn) : { verdict: 'kept' as const, order: 0n };
    const end = Math.min(machine.endPfn, pfn + Number(1n << order));
    for (let page = pfn; page < end; page++) if (verdict !== 'kept' && verdicts[page] === 'kept') verdicts[page] = verdict;
    pfn += Number(1n << order);
  }
  return verdicts;
}

/** Scans the machine, and counts the pages about which the slow filter thinks otherwise. */
function disagreements(machine: MemMapMachine, kernel: BuiltKernel, level: number): { pages: number[]; counts: string } {
  const exists = (pfn: number) => kernel.memory.ranges.some(({ start, end }) => pfn >= start && pfn < end);
  const verdicts = slowFilter(machine, exists, level);
  const { kept, counts } = scanPages({ ...kernel, level });
  const pages = verdicts.flatMap((verdict, pfn) => (kept.has(pfn) === (verdict === 'kept') ? [] : [pfn]));
  const wrong = (['kept', 'cache', 'cachePrivate', 'user', 'free', 'hwpoison', 'offline'] as const).filter(
    (kind) => counts[kind] !== verdicts.filter((verdict) => verdict === kind).length,
  );
  return { pages, counts: wrong.join(' ') };
}

for (const era of eras) {
  t.test(`random machines of Linux ${era}: the scan and the slow filter agree`, (t) => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = randomNumbers(seed + eras.indexOf(era) * 100);
      const machine = buildMemMap(randomWords(random, era), { era });
      const level = seed === 1 ? 31 : random(32);
      t.same(disagreements(machine, openBuilt(machine.vmcore()), level), { pages: [], counts: '' }, `seed ${seed}, level ${level}`);
    }
    t.end();
  });

  t.test(`struct pages of Linux ${era} filled at random: the scan and the slow filter agree`, (t) => {
    const random = randomNumbers(eras.indexOf(era) + 7);
    // The second half is sound, so that the scan does not take the whole for struct pages read from the wrong place.
    const sound = '0x400-0x5ff free order 1; 0x600-0x7ff anon order 1 hwpoison';
    const machine = buildMemMap(`0x0-0x1ff kernel; 0x200-0x23f hole; 0x240-0x3ff kernel; ${sound}`, { era });
    const interesting = Object.values(kernelEras[era].types);
    for (let pfn = 0; pfn < 0x400; pfn++) scramble(pfn, machine, random, interesting);
    const kernel = openBuilt(machine.vmcore());
    for (const level of [31, 0, 8, 21]) t.same(disagreements(machine, kernel, level), { pages: [], counts: '' }, `level ${level}`);
    t.end();
  });
}

/** Any flags, any page type; where orders are looked for, small numbers that mostly fit where the block would start. */
function scramble(pfn: number, machine: MemMapMachine, random: (below: number) => number, types: readonly number[]): void {
  const view = machine.structPage(pfn);
  const { offsets, bits } = machine.era;
  const order = (head: number) => (random(12) === 0 ? random(12) : random(alignment(head) + 1));
  for (let at = 0; at < view.byteLength; at += 4) {
    const fits = order(pfn - 1);
    view.setInt32(at, random(2) === 0 ? 0 : random(2) === 0 ? fits : (fits << 8) | 2, true);
  }
  const flags = Object.values(bits).reduce((sum, bit) => (random(4) === 0 ? sum | (1 << bit) : sum), 0);
  view.setInt32(offsets['page.flags'], random(3) === 0 ? order(pfn - 1) : flags, true);
  view.setInt32(offsets['page._mapcount'], random(3) === 0 ? types[random(types.length)] : -random(2), true);
  view.setBigUint64(offsets['page.private'], BigInt(order(pfn)), true);
  const head = offsets['page.compound_head'] ?? offsets['page.compound_info'];
  if (head !== undefined) view.setInt32(head, random(4) === 0 ? 1 : 0, true);
}

/** The highest order of a block that can start here. */
function alignment(pfn: number): number {
  let order = 0;
  while (order < 10 && pfn % 2 ** (order + 1) === 0) order++;
  return order;
}

const byMakedumpfile: [era: EraName, options: MemMapOptions, level: number][] = [
  ['3.10', {}, 31],
  ['4.4', { mapping: 'pages' }, 31],
  ['4.14', { rootsThroughPointer: true }, 31],
  ['5.10', {}, 31],
  ['5.10', { mapping: 'pages' }, 20],
  ['5.10', { model: 'flat' }, 10],
  ['5.10', { model: 'extreme' }, 16],
  ['5.10', {}, 0],
];

t.test('makedumpfile drops the same pages and counts them alike', (t) => {
  const folder = makeFolder((clean) => t.teardown(clean));
  byMakedumpfile.forEach(([era, options, level], index) => {
    const vmcore = buildMemMap(randomWords(randomNumbers(1000 + index), era), { era, ...options }).vmcore();
    const [input, output] = [join(folder, `vmcore${index}`), join(folder, `dump${index}`)];
    writeFileSync(input, vmcore);
    const report = runTool('makedumpfile', ['-d', String(level), '--message-level', '16', input, output]).toString();
    const { kept, counts } = scanPages({ ...openBuilt(vmcore), level });
    const name = `Linux ${era}, ${JSON.stringify(options)}, level ${level}`;
    t.equal(Buffer.compare(secondBitmap(readFileSync(output), kept.bytes.length), kept.bytes), 0, name);
    t.same(theirCounts(report), { ...counts, kept: undefined, zero: undefined }, name);
  });
  t.end();
});

/** What is dumpable, from a kdump-compressed file. */
function secondBitmap(dump: Buffer, length: number): Buffer {
  const [blockSize, subHeaderBlocks, bitmapBlocks] = [428, 432, 436].map((offset) => dump.readUInt32LE(offset));
  const start = (1 + subHeaderBlocks + bitmapBlocks / 2) * blockSize;
  return dump.subarray(start, start + length);
}

function theirCounts(report: string) {
  const line = (name: string) => Number(new RegExp(`${name} *: (0x[0-9a-f]+)`).exec(report)?.[1]);
  return {
    original: line('Original pages'),
    kept: undefined,
    zero: undefined,
    cache: line('Non-private cache pages'),
    cachePrivate: line('Private cache pages'),
    user: line('User process data pages'),
    free: line('Free pages'),
    hwpoison: line('Hwpoison pages'),
    offline: line('Offline pages'),
    hole: line('Memory Hole'),
  };
}
