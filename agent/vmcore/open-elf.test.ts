import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Bitmap } from '../bitmap/bitmap.ts';
import { KcaptureError } from '../errors.ts';
import { type BuiltSegment, buildVmcore, PhysicalImage, type VmcoreOptions } from '../testing/build-vmcore.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { makeFolder, runTool } from '../testing/other-tools.ts';
import { DUMP_ELF_INCOMPLETE, elfHeader, programHeader } from './elf-layout.ts';
import { readElfHead } from './elf-header.ts';
import { openElfMemory } from './open-elf.ts';
import type { PhysicalMemory } from './physical-memory.ts';

const vmcoreinfo = 'OSRELEASE=6.1.0\nPAGESIZE=4096\n';

/** Bytes that tell where they belong. */
function marked(physicalAddress: number, length: number, salt = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((physicalAddress + i) * 31 + ((physicalAddress + i) >> 8) + salt) & 0xff);
}

function segment(physicalAddress: number, length: number, salt = 0): BuiltSegment {
  return { physicalAddress, data: marked(physicalAddress, length, salt) };
}

function open(options: VmcoreOptions): PhysicalMemory {
  return openElfMemory(openBytes(buildVmcore(options)));
}

/** Every byte of every page, by a window, a page at a time. */
function readAll(memory: PhysicalMemory): Map<number, string> {
  const window = memory.openWindow(64 * 1024);
  const pages = new Map<number, string>();
  for (const { start, end } of memory.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      const at = window.locate(pfn * memory.pageSize, memory.pageSize);
      pages.set(pfn, Buffer.from(window.bytes.subarray(at, at + memory.pageSize)).toString('hex'));
    }
  }
  return pages;
}

t.test('a vmcore of each machine tells its pages, notes and segments', (t) => {
  for (const machine of ['x86_64', 'aarch64'] as const) {
    const memory = open({ machine, vmcoreinfo, cpus: 2, segments: [segment(0x1000, 0x3000), segment(0x10000, 0x1000)] });
    t.equal(memory.machine, machine);
    t.equal(memory.vmcoreinfoText, vmcoreinfo);
    t.same(memory.ranges, [
      { start: 1, end: 4 },
      { start: 16, end: 17 },
    ]);
    t.equal(memory.endPfn, 17);
    t.equal(memory.loadSegments.length, 2);
    for (const [pfn, hex] of readAll(memory)) t.equal(hex, Buffer.from(marked(pfn * 4096, 4096)).toString('hex'), `page ${pfn}`);
  }
  t.end();
});

t.test('65,535 program headers are counted in section header 0', (t) => {
  const memory = open({ extendedCount: true, vmcoreinfo, segments: [segment(0x1000, 0x1000), segment(0x4000, 0x1000)] });
  t.equal(memory.loadSegments.length, 2);
  t.equal(readAll(memory).size, 2);
  t.end();
});

t.test('data that is not aligned in the file is read', (t) => {
  const memory = open({ alignBytes: 1, vmcoreinfo: 'PAGESIZE=4096\nX=1', segments: [segment(0x1000, 0x2000), segment(0x8000, 0x1000)] });
  t.ok(memory.loadSegments.some(({ fileOffset }) => fileOffset % 4096 !== 0));
  t.equal(readAll(memory).get(8), Buffer.from(marked(0x8000, 4096)).toString('hex'));
  t.end();
});

t.test('a vmcore without VMCOREINFO opens with pages of 4096 bytes', (t) => {
  const memory = open({ segments: [segment(0x1000, 0x1000)] });
  t.equal(memory.vmcoreinfoText, '');
  t.equal(memory.pageSize, 4096);
  t.equal(open({ notes: new Uint8Array(0), segments: [segment(0, 0x1000)] }).notes.length, 0);
  t.end();
});

t.test('pages of 64 KiB are taken from VMCOREINFO', (t) => {
  const memory = open({ machine: 'aarch64', vmcoreinfo: 'PAGESIZE=65536\n', segments: [segment(0x10000, 0x28000)] });
  t.same(memory.ranges, [{ start: 1, end: 3 }]);
  t.end();
});

t.test('the first of two overlapping segments wins', (t) => {
  const memory = open({ segments: [segment(0x3000, 0x2000, 7), segment(0x1000, 0x8000)] });
  const pages = readAll(memory);
  for (const [pfn, hex] of pages) {
    t.equal(hex, Buffer.from(marked(pfn * 4096, 4096, pfn === 3 || pfn === 4 ? 7 : 0)).toString('hex'), `page ${pfn}`);
  }
  t.equal(pages.size, 8);
  t.end();
});

t.test('a page that two segments share is put together, and the rest is shown from the file', (t) => {
  const memory = open({ segments: [segment(0x1000, 0x4c18), segment(0x5c18, 0x23e8)] });
  t.same(memory.ranges, [{ start: 1, end: 8 }]);
  for (const [pfn, hex] of readAll(memory)) t.equal(hex, Buffer.from(marked(pfn * 4096, 4096)).toString('hex'), `page ${pfn}`);
  const window = memory.openWindow(0x8000);
  t.equal(memory.contiguousBytes(0x1000), 0x7000);
  const at = window.locate(0x1800, 0x6000);
  t.same(window.bytes.subarray(at, at + 0x6000), marked(0x1800, 0x6000), 'a piece across the shared page');
  t.end();
});

t.test('what no segment holds of a page reads as zero', (t) => {
  const memory = open({ segments: [segment(0x1800, 0x1800), { ...segment(0x5000, 0x800), memoryBytes: 0x2000 }] });
  t.same(memory.ranges, [
    { start: 1, end: 3 },
    { start: 5, end: 6 },
  ]);
  const pages = readAll(memory);
  t.equal(pages.get(1), Buffer.concat([Buffer.alloc(0x800), marked(0x1800, 0x800)]).toString('hex'));
  t.equal(pages.get(5), Buffer.concat([marked(0x5000, 0x800), Buffer.alloc(0x800)]).toString('hex'));
  t.end();
});

t.test('read() agrees with the memory for every start and length, and refuses what is not there', (t) => {
  const memory = open({ alignBytes: 1, segments: [segment(0x1000, 0x2000), segment(0x3000, 0x1000)] });
  for (let start = 0xff0; start < 0x4010; start += 7) {
    for (const length of [1, 8, 0x100, 0x1000, 0x2000]) {
      const target = new Uint8Array(length);
      const wanted = start >= 0x1000 && start + length <= 0x4000 ? 'read' : 'vmcore/absent';
      const found = codeOf(() => memory.read(start, target));
      if (found !== wanted) t.fail(`${length} bytes at ${start}: ${found}, expected ${wanted}`);
      if (found === 'read' && Buffer.compare(target, marked(start, length)) !== 0) t.fail(`${length} bytes at ${start} differ`);
    }
  }
  for (const address of [-1, Number.NaN, 2 ** 60]) t.throws(() => memory.read(address, new Uint8Array(1)), { code: 'vmcore/absent' });
  t.end();
});

/** The code of the error, or `read`. */
function codeOf(read: () => void): string {
  try {
    read();
    return 'read';
  } catch (error) {
    return (error as KcaptureError).code;
  }
}

t.test('a page the file left out is told from one that never was', (t) => {
  const memory = open({ segments: [{ ...segment(0x1000, 0x1000), memoryBytes: 0x3000 }] });
  const window = memory.openWindow(4096);
  t.same(memory.existingRanges, [{ start: 1, end: 4 }]);
  t.throws(() => window.locate(0x2000, 4096), { code: 'vmcore/excluded' });
  t.throws(() => memory.read(0x2000, new Uint8Array(8)), { code: 'vmcore/excluded' });
  t.throws(() => window.locate(0x4000, 4096), { code: 'vmcore/absent' });
  t.equal(memory.contiguousBytes(0x2000), 0);
  t.equal(window.bytes[window.locate(0x1000, 4096)], marked(0x1000, 1)[0], 'a window works on after an error');
  t.end();
});

t.test('the mark of an unfinished dump is read', (t) => {
  const file = buildVmcore({ segments: [segment(0x1000, 0x1000)] });
  new DataView(file.buffer).setUint32(elfHeader.fields.flags[0], DUMP_ELF_INCOMPLETE, true);
  t.equal(readElfHead(openBytes(file)).flags, 1);
  t.end();
});

t.test('each wrong header has its own error', (t) => {
  const change = (offset: number, bytes: readonly number[]) => {
    const file = buildVmcore({ vmcoreinfo, segments: [segment(0x1000, 0x1000)] });
    file.set(bytes, offset);
    return () => openElfMemory(openBytes(file));
  };
  const load = elfHeader.sizeBytes + programHeader.sizeBytes;
  t.throws(change(0, [0]), { code: 'vmcore/not-elf' });
  t.throws(change(4, [1]), { code: 'vmcore/unsupported', message: /ELF class .* 1, expected 2 \(64 bits\)/ });
  t.throws(change(5, [2]), { code: 'vmcore/unsupported', message: /byte order/ });
  t.throws(change(16, [2]), { code: 'vmcore/unsupported', message: /type .* expected 4 \(core\)/ });
  t.throws(change(18, [8]), { code: 'vmcore/unsupported', message: /machine/ });
  t.throws(change(54, [32]), { code: 'vmcore/bad-header' });
  t.throws(change(56, [0, 0]), { code: 'vmcore/bad-header', message: /none, expected at least one/ });
  t.throws(change(56, [0xfe, 0xff]), { code: 'vmcore/short-read' }, 'more headers than the file holds');
  t.throws(change(56, [0xff, 0xff]), { code: 'vmcore/bad-header' }, 'PN_XNUM without a section header');
  t.throws(change(load + 8, [0, 0, 0, 0, 0, 0, 0, 0x80]), { code: 'vmcore/short-read' }, 'an offset beyond the file');
  t.throws(change(load + 30, [0xff]), { code: 'vmcore/bad-header', message: /physical end/ });
  t.throws(change(load + 40, [0xff, 0x0f]), { code: 'vmcore/bad-header', message: /in the file/ });
  t.throws(change(load, [0]), { code: 'vmcore/bad-header', message: /no PT_LOAD/ });
  t.throws(() => openElfMemory(openBytes(new Uint8Array(0))), { code: 'vmcore/not-elf' });
  t.end();
});

t.test('a vmcore cut at every length is an error of ours, or whole', (t) => {
  const file = buildVmcore({ vmcoreinfo, alignBytes: 64, segments: [segment(0x1000, 0x1000), segment(0x5000, 0x1400)] });
  for (let length = 0; length < file.length; length++) {
    try {
      openElfMemory(openBytes(file.subarray(0, length)));
      t.fail(`opened at ${length} of ${file.length}`);
    } catch (error) {
      if (!(error instanceof KcaptureError)) t.fail(`${length}: ${error}`);
    }
  }
  t.pass('all refused');
  t.end();
});

t.test('a vmcore with any byte of its headers and notes changed is an error of ours, or can be read', (t) => {
  const extended = { vmcoreinfo, extendedCount: true, alignBytes: 64, segments: [segment(0x1000, 0x1000), segment(0x5000, 0x1400)] };
  const good = buildVmcore(extended);
  const end = good.length - 0x2400;
  let opened = 0;
  for (let at = 0; at < end; at++) {
    for (const value of [0, 0xff, good[at] ^ 1, good[at] ^ 0x10, good[at] ^ 0x80]) {
      const file = good.slice();
      file[at] = value;
      opened += tryAll(t, file, `byte ${at} = ${value}`);
    }
  }
  t.ok(opened > 0, `${opened} could be read`);
  t.end();
});

/** Opens and reads everything of a damaged file; at most the pages its size allows for. */
function tryAll(t: Test, file: Uint8Array, what: string): number {
  try {
    const memory = openElfMemory(openBytes(file));
    const pages = memory.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    if (pages > 2 * Math.ceil(file.length / memory.pageSize) + 2) t.fail(`${what}: ${pages} pages`);
    readAll(memory);
    return 1;
  } catch (error) {
    if (!(error instanceof KcaptureError)) t.fail(`${what}: ${(error as Error).stack}`);
    return 0;
  }
}

t.test('makedumpfile sees the same pages exist', (t) => {
  const folder = makeFolder((clean) => t.teardown(clean));
  const image = new PhysicalImage();
  image.addPages(16, 300);
  const segments = [
    segment(0x1000, 0x4c00),
    ...image.segments(),
    segment(0x200000, 0x5018),
    segment(0x205018, 0x4fe8),
    segment(0x300800, 0x3800),
    { ...segment(0x400000, 0x1000), memoryBytes: 0x4000 },
    segment(0x500000, 0x800),
    segment(0x600000, 0x1000),
  ];
  const file = buildVmcore({ segments });
  const [source, dump] = [join(folder, 'vmcore'), join(folder, 'dump')];
  writeFileSync(source, file);
  runTool('makedumpfile', ['-d', '0', source, dump]);
  t.ok(existsSync(dump));
  const memory = openElfMemory(openBytes(file));
  const bytes = readFileSync(dump);
  const bitmapBytes = Math.ceil(memory.endPfn / 8);
  const first = (1 + bytes.readInt32LE(432)) * 4096;
  const wanted = Bitmap.fromRanges(memory.endPfn, memory.existingRanges).bytes;
  t.equal(Buffer.compare(bytes.subarray(first, first + bitmapBytes), wanted), 0, 'the first bitmap is the same');
  t.end();
});
