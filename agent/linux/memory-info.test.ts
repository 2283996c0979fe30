import t from 'tap';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { parseMeminfo, readMemory } from './memory-info.ts';

const kib = 1024;
const mib = 1024 * kib;
const meminfo = [
  'MemTotal:  900 kB',
  'MemFree:   400 kB',
  'Buffers:    20 kB',
  'Cached:    180 kB',
  'SwapCached:  0 kB',
  'AnonPages: 100 kB',
  'Hugetlb:     0 kB',
  'HugePages_Total:  7',
]
  .join('\n')
  .concat('\n');
/** 64 pages from 1 MiB on, and 64 more of which half belong to the crash kernel. */
const iomem = [
  '00100000-0013ffff : System RAM',
  '  00101000-00101fff : Kernel code',
  '00200000-0023ffff : System RAM',
  '  00220000-0023ffff : Crash kernel',
  '',
].join('\n');

/** Flags of page frames by number; all others are no page. */
function pageFlags(flagsOf: (pfn: number) => number): Uint8Array {
  const words = new BigUint64Array(0x240);
  for (let pfn = 0; pfn < words.length; pfn++) words[pfn] = BigInt(flagsOf(pfn));
  return new Uint8Array(words.buffer);
}

t.test('without addresses the kernel part is what the sums leave over', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { 'proc/meminfo': meminfo, 'proc/iomem': iomem.replace(/[0-9a-f]{8}/g, '00000000') });
  const report = readMemory(system.files)!;
  const totalBytes = 900 * kib * (1 + 64 / 4096);
  t.match(report, { source: 'meminfo', totalBytes, freeBytes: 400 * kib, cacheBytes: 200 * kib, userBytes: 100 * kib });
  t.equal(report.kernelBytes, totalBytes - 700 * kib);
});

t.test('with page flags the kernel part is counted, and the reservation is left out', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  const flags = pageFlags((pfn) => (pfn < 0x110 ? 0 : pfn < 0x120 ? 1 << 7 : pfn < 0x130 ? 1 << 5 : pfn < 0x140 ? 1 << 10 : 1 << 12));
  putTree(system.root, { 'proc/meminfo': 'MemTotal: 300 kB\nMemFree: 64 kB\n', 'proc/iomem': iomem, 'proc/kpageflags': flags });
  const report = readMemory(system.files)!;
  t.match(report, { source: 'page flags', totalBytes: 96 * 4096, kernelBytes: 32 * 4096 });
});

t.test('free pages that are not marked so do not count as kept', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, {
    'proc/meminfo': 'MemTotal: 300 kB\nMemFree: 200 kB\n',
    'proc/iomem': iomem,
    'proc/kpageflags': pageFlags(() => 0),
  });
  t.equal(readMemory(system.files)!.kernelBytes, 96 * 4096 - 200 * kib);
});

t.test('page flags that end early or are missing lead back to the sums', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { 'proc/meminfo': meminfo, 'proc/iomem': iomem });
  t.equal(readMemory(system.files)!.source, 'meminfo');
  putTree(system.root, { 'proc/kpageflags': new Uint8Array(11) });
  t.equal(readMemory(system.files)!.source, 'meminfo');
});

t.test('the parts add up whatever the file says', async (t) => {
  for (const text of [meminfo.replace('400', '99999999'), meminfo.replace('180', '5000'), 'MemTotal: 1 kB\n', meminfo.slice(0, 40)]) {
    const system = await createRootedSystem(t.testdir({}));
    putTree(system.root, { 'proc/meminfo': text });
    const report = readMemory(system.files)!;
    const parts = [report.freeBytes, report.cacheBytes, report.userBytes, report.kernelBytes];
    t.ok(parts.every((bytes) => bytes >= 0));
    t.ok(Math.abs(parts.reduce((sum, bytes) => sum + bytes, 0) - report.totalBytes) < 1);
  }
});

t.test('without /proc/meminfo nothing is claimed', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  t.equal(readMemory(system.files), undefined);
  t.equal(parseMeminfo(`MemTotal: ${'9'.repeat(30)} kB\nX: 3 MB\n`).size, 0);
  t.equal(parseMeminfo('Node 0 MemTotal: 1 kB\nMemTotal:       1024 kB\n').get('MemTotal'), mib);
});
