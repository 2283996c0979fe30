import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Bitmap } from '../../bitmap/bitmap.ts';
import { buildDump, buildPlan, buildUtsname, feedPages } from '../../testing/build-dump.ts';
import { buildElfCore, buildMachine } from '../../testing/build-machine.ts';
import { openBytes } from '../../testing/bytes-file.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { NodeZlibCodec } from '../../testing/node-zlib-codec.ts';
import { compareBytes, makeFolder, runTool } from '../../testing/other-tools.ts';
import { diskDumpHeader, statusFlags } from './layout.ts';
import { openKdumpMemory } from './reader.ts';
import { reassemble } from './reassemble.ts';
import { planSplit } from './split.ts';
import { createKdumpWriter } from './writer.ts';

const folder = makeFolder(t.teardown);
const machine = buildMachine();
const zlib = new NodeZlibCodec();
const options = { zeroPages: true, utsname: buildUtsname(), codecOf: (pfn: number) => (pfn % 3 === 0 ? undefined : zlib) };
writeFileSync(join(folder, 'vmcore'), buildElfCore(machine));

/** Each part as its own file. */
function buildParts(count: number): Uint8Array[] {
  return planSplit(machine.existing, count).map(({ start, end }) =>
    buildDump(machine, { ...options, split: { startPfn: start, endPfn: end } }),
  );
}

function rejoin(parts: readonly Uint8Array[]): Uint8Array {
  const sink = new MemorySink();
  const { sizeBytes } = reassemble(
    parts.map((bytes, index) => openBytes(bytes, `part ${index}`)),
    sink,
  );
  if (sizeBytes < sink.bytes.length) throw new Error(`${sizeBytes} bytes reported, ${sink.bytes.length} written`);
  return sink.bytes;
}

t.test('planSplit() shares the kept pages out in ranges that start at multiples of 64', (t) => {
  for (const parts of [1, 2, 3, 7]) {
    const ranges = planSplit(machine.existing, parts);
    t.equal(ranges.length, parts);
    t.equal(ranges[0].start, 0);
    t.equal(ranges.at(-1)?.end, machine.endPfn);
    for (let i = 1; i < parts; i++) t.ok(ranges[i].start === ranges[i - 1].end && ranges[i].start % 64 === 0);
    const pages = ranges.map(({ start, end }) => Bitmap.fromRanges(machine.endPfn, clip(start, end)).count());
    t.ok(Math.max(...pages) - Math.min(...pages) <= 64 * parts, `${pages}`);
  }
  t.same(planSplit(new Bitmap(100), 3).at(-1)?.end, 100);
  t.throws(() => planSplit(machine.existing, 2, 100), { code: 'format/unsupported' });
  t.throws(() => planSplit(machine.existing, 0), { code: 'format/unsupported' });
  t.end();
});

function clip(from: number, to: number) {
  return machine.ranges
    .map(({ start, end }) => ({ start: Math.max(start, from), end: Math.min(end, to) }))
    .filter(({ start, end }) => start < end);
}

t.test('our parts are put together by us, and by makedumpfile, to the unsplit dump', (t) => {
  const whole = buildDump(machine, options);
  for (const count of [2, 3, 5]) {
    const parts = buildParts(count);
    t.equal(compareBytes(rejoin(parts), whole), 'same');
    t.equal(compareBytes(rejoin(parts.toReversed()), whole), 'same', 'in any order');
    const names = parts.map((_, index) => `ours${index}`);
    for (const [index, name] of names.entries()) writeFileSync(join(folder, name), parts[index]);
    runTool('makedumpfile', ['--reassemble', ...names, '-f', 'joined'], { cwd: folder });
    t.equal(compareBytes(readFileSync(join(folder, 'joined')), whole), 'same', `${count} parts by makedumpfile`);
  }
  t.end();
});

t.test('parts that makedumpfile writes are ours byte for byte, and ours to put together', (t) => {
  runTool('makedumpfile', ['-d', '1', 'vmcore', 'whole', '-f'], { cwd: folder });
  runTool('makedumpfile', ['-d', '1', '--splitblock-size', '1024', '--split', 'vmcore', 'a', 'b', 'c'], { cwd: folder });
  const theirs = ['a', 'b', 'c'].map((name) => readFileSync(join(folder, name)));
  t.equal(compareBytes(rejoin(theirs), readFileSync(join(folder, 'whole'))), 'same');
  const ranges = planSplit(machine.existing, 3, 256);
  for (const [index, { start, end }] of ranges.entries()) {
    const ours = buildDump(machine, { zeroPages: true, split: { startPfn: start, endPfn: end } });
    t.equal(compareBytes(ours, theirs[index]), 'same', `part ${index}`);
  }
  t.end();
});

t.test('parts are read together, and each by itself', (t) => {
  const parts = buildParts(3);
  const files = parts.map((bytes) => openBytes(bytes));
  const memory = openKdumpMemory(files.toReversed(), () => zlib);
  t.same(memory.ranges, machine.ranges);
  const page = new Uint8Array(4096);
  for (const pfn of [1, 159, 256, 300, 500, 699, 0x10000, 0x10122, 1]) {
    memory.read(pfn * 4096, page);
    t.same(page, machine.page(pfn), `page ${pfn}`);
  }
  t.equal(memory.incomplete, false);
  const middle = openKdumpMemory([files[1]], () => zlib);
  const [range] = planSplit(machine.existing, 3).slice(1);
  t.ok(middle.ranges.every(({ start, end }) => start >= range.start && end <= range.end));
  t.equal(middle.incomplete, true);
  t.throws(() => middle.read(4096, page), { code: 'vmcore/excluded' });
  t.end();
});

t.test('parts that are missing, doubled or of another dump are refused', (t) => {
  const parts = buildParts(3);
  const other = buildDump(machine, { ...options, crashTime: 7, split: { startPfn: 0, endPfn: 64 } });
  t.throws(() => rejoin([parts[0], parts[2]]), { code: 'format/incomplete' });
  t.throws(() => rejoin([parts[0], parts[1]]), { code: 'format/incomplete' });
  t.throws(() => rejoin([parts[1], parts[2]]), { code: 'format/incomplete' });
  t.throws(() => rejoin([parts[0], parts[0], parts[1], parts[2]]), { code: 'format/corrupt' });
  t.throws(() => rejoin([other, parts[1], parts[2]]), { code: 'format/corrupt' });
  t.throws(() => rejoin([buildDump(machine)]), { code: 'format/corrupt' });
  t.end();
});

t.test('an incomplete part makes an incomplete dump with all pages that were saved', (t) => {
  const ranges = planSplit(machine.existing, 2);
  const split = { startPfn: ranges[0].start, endPfn: ranges[0].end };
  const sink = new MemorySink({ spaceBytes: 1_300_000 });
  const plan = buildPlan(machine, { ...options, split });
  const writer = createKdumpWriter(sink, plan);
  const fill = () => {
    feedPages(writer, machine, plan);
    writer.finish();
  };
  t.throws(fill, { code: 'sink/no-space' });
  writer.abandon();
  const rest = buildDump(machine, { ...options, split: { startPfn: ranges[1].start, endPfn: ranges[1].end } });
  const joined = rejoin([sink.bytes, rest]);
  t.ok(diskDumpHeader.read(joined).status & statusFlags.incomplete);
  const memory = openKdumpMemory([openBytes(joined)], () => zlib);
  t.ok(memory.contiguousBytes(4096) > 0);
  t.equal(memory.contiguousBytes((split.endPfn - 1) * 4096), 0);
  const page = new Uint8Array(4096);
  memory.read(0x10122 * 4096, page);
  t.same(page, machine.page(0x10122));
  t.end();
});

t.test('eraseinfo of all parts comes behind the data, and into a flattened dump too', (t) => {
  const text = (word: string) => new TextEncoder().encode(`erase ${word} size 8\n`);
  const ranges = planSplit(machine.existing, 2);
  const parts = ranges.map(({ start, end }, index) =>
    buildDump(machine, { ...options, eraseinfo: text(`symbol${index}`), split: { startPfn: start, endPfn: end } }),
  );
  const joined = openKdumpMemory([openBytes(rejoin(parts))], () => zlib);
  t.equal(joined.eraseinfo, 'erase symbol0 size 8\nerase symbol1 size 8\n');
  t.equal(
    compareBytes(rejoin(parts), buildDump(machine, { ...options, eraseinfo: Buffer.concat([text('symbol0'), text('symbol1')]) })),
    'same',
  );
  const once = buildDump(machine, { ...options, eraseinfo: text('symbol'), sink: new MemorySink({ rewritable: false }) });
  t.equal(openKdumpMemory([openBytes(once)], () => zlib).eraseinfo, 'erase symbol size 8\n');
  t.end();
});
