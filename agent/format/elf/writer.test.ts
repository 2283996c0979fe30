import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Bitmap } from '../../bitmap/bitmap.ts';
import { type BuiltSegment, buildVmcore } from '../../testing/build-vmcore.ts';
import { openBytes } from '../../testing/bytes-file.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { compareBytes, makeFolder, runTool } from '../../testing/other-tools.ts';
import { DUMP_ELF_INCOMPLETE, elfHeader, programHeader } from '../../vmcore/elf-layout.ts';
import { openElfMemory } from '../../vmcore/open-elf.ts';
import type { PhysicalMemory } from '../../vmcore/physical-memory.ts';
import { FlattenedSink } from '../flattened/flattened-sink.ts';
import { openFlattened } from '../flattened/open-flattened.ts';
import { planElf } from './plan.ts';
import { createElfWriter, type ElfDumpWriter } from './writer.ts';

const folder = makeFolder(t.teardown);
const pageSize = 4096;

/** Memory whose pages say their number, but for the page frames of `zeros`. */
function segment(address: number, length: number, zeros: readonly (readonly [number, number])[] = []): BuiltSegment {
  const data = new Uint8Array(length);
  for (let at = 0; at < length; at += 8) {
    const pfn = Math.floor((address + at) / pageSize);
    if (!zeros.some(([start, end]) => pfn >= start && pfn < end)) data[at] = 1 + (pfn % 251);
  }
  return { physicalAddress: address, virtualAddress: 0xffff888000000000n + BigInt(address), data };
}

/** The kept pages of level 1. */
function nonZero(memory: PhysicalMemory): Bitmap {
  const kept = Bitmap.fromRanges(memory.endPfn, memory.ranges);
  const page = new Uint8Array(pageSize);
  for (let pfn = kept.nextSet(0); pfn < kept.sizeBits; pfn = kept.nextSet(pfn + 1)) {
    memory.read(pfn * pageSize, page);
    if (page.every((byte) => byte === 0)) kept.clear(pfn);
  }
  return kept;
}

function feed(writer: ElfDumpWriter, memory: PhysicalMemory, kept: Bitmap): void {
  const page = new Uint8Array(pageSize);
  for (let pfn = kept.nextSet(0); pfn < kept.sizeBits; pfn = kept.nextSet(pfn + 1)) {
    memory.read(pfn * pageSize, page);
    writer.addPage(pfn, page, 0, pageSize, 0);
  }
}

function writeElf(memory: PhysicalMemory, kept: Bitmap, sink = new MemorySink()): Uint8Array {
  const writer = createElfWriter(sink, { memory, kept });
  feed(writer, memory, kept);
  writer.finish();
  if (writer.writtenBytes !== sink.bytes.length) throw new Error(`${writer.writtenBytes} bytes counted, ${sink.bytes.length} written`);
  return sink.bytes;
}

const layouts: Record<string, readonly BuiltSegment[]> = {
  'two plain segments': [segment(0x1000, 40 * pageSize), segment(0x1000000, 300 * pageSize)],
  'gaps of 255, 256 and 400 pages': [
    segment(0, 2000 * pageSize, [
      [10, 265],
      [300, 556],
      [800, 1200],
    ]),
  ],
  'a gap at each end': [
    segment(0x100000, 1200 * pageSize, [
      [0, 556],
      [1056, 2000],
    ]),
  ],
  'nothing but zeros in one segment': [segment(0, 600 * pageSize, [[0, 600]]), segment(0x1000000, 4 * pageSize)],
  'segments that start and end inside a page': [
    segment(0x1400, 3 * pageSize + 0x200),
    segment(0x100800, 700 * pageSize + 0x100, [[300, 700]]),
  ],
  'kernel text described a second time, first': [
    { ...segment(0x200000, 100 * pageSize), virtualAddress: 0xffffffff81000000n },
    segment(0x1000, 158 * pageSize),
    segment(0x100000, 2000 * pageSize, [[900, 1300]]),
  ],
};

for (const [name, segments] of Object.entries(layouts)) {
  t.test(`${name}: byte for byte what makedumpfile -E writes`, (t) => {
    const vmcore = buildVmcore({ segments });
    writeFileSync(join(folder, 'vmcore'), vmcore);
    const memory = openElfMemory(openBytes(vmcore));
    for (const level of [0, 1]) {
      const kept = level === 0 ? Bitmap.fromRanges(memory.endPfn, memory.ranges) : nonZero(memory);
      runTool('makedumpfile', ['-E', '-d', String(level), '-f', 'vmcore', 'theirs'], { cwd: folder });
      t.equal(compareBytes(writeElf(memory, kept), readFileSync(join(folder, 'theirs'))), 'same', `level ${level}`);
    }
    t.end();
  });
}

t.test('what was kept is read back, and what was left out is known', (t) => {
  const memory = openElfMemory(openBytes(buildVmcore({ segments: layouts['gaps of 255, 256 and 400 pages'] })));
  const kept = nonZero(memory);
  const again = openElfMemory(openBytes(writeElf(memory, kept)));
  t.same(again.ranges, [
    { start: 0, end: 300 },
    { start: 556, end: 800 },
    { start: 1200, end: 2000 },
  ]);
  t.equal(planElf(memory.loadSegments, kept, pageSize).excludedPages, 656);
  const [ours, theirs] = [new Uint8Array(pageSize), new Uint8Array(pageSize)];
  for (let pfn = kept.nextSet(0); pfn < kept.sizeBits; pfn = kept.nextSet(pfn + 1)) {
    again.read(pfn * pageSize, ours);
    memory.read(pfn * pageSize, theirs);
    if (Buffer.compare(ours, theirs) !== 0) t.fail(`page ${pfn}`);
  }
  t.end();
});

t.test('a flattened ELF dump is the same dump', (t) => {
  const memory = openElfMemory(openBytes(buildVmcore({ segments: layouts['kernel text described a second time, first'] })));
  const kept = nonZero(memory);
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  const writer = createElfWriter(sink, { memory, kept });
  feed(writer, memory, kept);
  writer.finish();
  sink.end();
  const file = openFlattened(openBytes(stream.bytes));
  const bytes = new Uint8Array(file.sizeBytes);
  file.read(0, bytes);
  t.equal(compareBytes(bytes, writeElf(memory, kept)), 'same');
  t.doesNotThrow(() => writeElf(memory, kept, new MemorySink({ rewritable: false })), 'nothing is written twice');
  t.end();
});

t.test('65,535 program headers and more are counted in the section header', (t) => {
  const count = 65540;
  const memory: PhysicalMemory = {
    ...openElfMemory(openBytes(buildVmcore({ segments: [segment(0, pageSize)] }))),
    machine: 'x86_64',
    pageSize,
    notes: new Uint8Array(20),
    loadSegments: Array.from({ length: count }, (_, index) => ({
      fileOffset: 0,
      virtualAddress: 0n,
      physicalAddress: index * pageSize,
      fileBytes: 0,
      memoryBytes: pageSize,
    })),
  };
  const bytes = writeElf(memory, new Bitmap(count));
  t.equal(elfHeader.read(bytes).phnum, 0xffff);
  const file = join(folder, 'many');
  writeFileSync(file, bytes);
  t.match(runTool('readelf', ['-h', file]).toString(), /Number of program headers: +65535 \(65541\)/);
  t.end();
});

t.test('until finish() the header says incomplete, and it stays so when space runs out', (t) => {
  const memory = openElfMemory(openBytes(buildVmcore({ segments: [segment(0, 600 * pageSize)] })));
  const kept = Bitmap.fromRanges(memory.endPfn, memory.ranges);
  const sink = new MemorySink({ spaceBytes: 1_500_000 });
  const writer = createElfWriter(sink, { memory, kept });
  t.equal(elfHeader.read(sink.bytes).flags, DUMP_ELF_INCOMPLETE);
  const fill = () => {
    feed(writer, memory, kept);
    writer.finish();
  };
  t.throws(fill, { code: 'sink/no-space' });
  writer.abandon();
  t.equal(elfHeader.read(sink.bytes).flags, DUMP_ELF_INCOMPLETE);
  t.equal(programHeader.read(sink.bytes, 64 + 56).filesz, BigInt(600 * pageSize));
  t.end();
});

t.test('wrong pages and sources without PT_LOADs are refused', (t) => {
  const memory = openElfMemory(openBytes(buildVmcore({ segments: [segment(0, 10 * pageSize)] })));
  const kept = Bitmap.fromRanges(10, [{ start: 2, end: 4 }]);
  const page = new Uint8Array(pageSize);
  const start = () => createElfWriter(new MemorySink(), { memory, kept });
  t.throws(() => start().addPage(3, page, 0, pageSize, 0), { code: 'format/order' });
  t.throws(() => start().addPage(2, page, 0, 100, 1), { code: 'format/order' });
  t.throws(() => start().finish(), { code: 'format/order' });
  const dump = Object.create(memory, { loadSegments: { value: [] }, kind: { value: 'kdump' }, path: { value: 'dump' } });
  t.throws(() => createElfWriter(new MemorySink(), { memory: dump, kept }), { code: 'format/unsupported', message: /kdump source/ });
  t.throws(() => createElfWriter(new MemorySink({ seekable: false }), { memory, kept }), { code: 'format/unsupported' });
  t.end();
});
