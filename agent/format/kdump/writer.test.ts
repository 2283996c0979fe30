import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Bitmap } from '../../bitmap/bitmap.ts';
import { rangesInWindows } from '../../bitmap/windows.ts';
import { buildDump, buildPlan, feedPages } from '../../testing/build-dump.ts';
import { buildElfCore, buildMachine } from '../../testing/build-machine.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { compareBytes, makeFolder, runTool, SystemCodec } from '../../testing/other-tools.ts';
import { FlattenedSink } from '../flattened/flattened-sink.ts';
import { diskDumpHeader, layOutKdump, pageDesc, statusFlags } from './layout.ts';
import { createKdumpWriter, type KdumpWriter } from './writer.ts';

const folder = makeFolder(t.teardown);
const machine = buildMachine();
writeFileSync(join(folder, 'vmcore'), buildElfCore(machine));

/** What makedumpfile makes of the same machine. */
function makedumpfile(...options: string[]): Uint8Array {
  runTool('makedumpfile', [...options, '-f', 'vmcore', 'theirs'], { cwd: folder });
  return readFileSync(join(folder, 'theirs'));
}

t.test('a raw dump is byte for byte what makedumpfile writes', (t) => {
  t.equal(compareBytes(buildDump(machine), makedumpfile('-d', '0')), 'same');
  t.equal(compareBytes(buildDump(machine, { zeroPages: true }), makedumpfile('-d', '1')), 'same');
  t.end();
});

t.test('a zlib dump is byte for byte what makedumpfile writes', (t) => {
  const codec = new SystemCodec('zlib', machine);
  const ours = { status: 1, codecOf: () => codec };
  t.equal(compareBytes(buildDump(machine, ours), makedumpfile('-c', '-d', '0')), 'same');
  t.equal(compareBytes(buildDump(machine, { ...ours, zeroPages: true }), makedumpfile('-c', '-d', '1')), 'same');
  t.end();
});

t.test('an lzo dump is byte for byte what makedumpfile writes', (t) => {
  const codec = new SystemCodec('lzo', machine);
  t.equal(compareBytes(buildDump(machine, { status: 2, zeroPages: true, codecOf: () => codec }), makedumpfile('-l', '-d', '1')), 'same');
  t.end();
});

t.test('a flattened dump is restored by makedumpfile -R to the file that is written directly', (t) => {
  const stream = new MemorySink({ seekable: false });
  const plan = buildPlan(machine, { zeroPages: true });
  const flattened = new FlattenedSink(stream);
  const writer = createKdumpWriter(flattened, plan);
  feedPages(writer, machine, plan);
  writer.finish();
  flattened.end();
  runTool('makedumpfile', ['-R', '-f', 'restored'], { cwd: folder, input: stream.bytes });
  t.equal(compareBytes(readFileSync(join(folder, 'restored')), buildDump(machine, { zeroPages: true })), 'same');
  t.end();
});

t.test('no byte of a flattened dump is written twice', (t) => {
  const sink = new MemorySink({ rewritable: false });
  t.doesNotThrow(() => buildDump(machine, { sink }));
  t.equal(diskDumpHeader.read(sink.bytes).status, 0);
  t.end();
});

t.test('pages that are out of order, doubled, excluded or of the wrong size are refused', (t) => {
  const kept = Bitmap.fromRanges(machine.endPfn, [{ start: 2, end: 5 }]);
  const page = new Uint8Array(4096);
  const start = () => {
    const writer = createKdumpWriter(new MemorySink(), buildPlan(machine, { kept }));
    writer.startWindow({ start: 0, bits: kept });
    return writer;
  };
  t.throws(() => start().addPage(1, page, 0, 4096, 0), { code: 'format/order' }, 'not kept');
  t.throws(() => start().addPage(3, page, 0, 4096, 0), { code: 'format/order' }, 'one left out');
  const writer = start();
  writer.addPage(2, page, 0, 4096, 0);
  t.throws(() => writer.addPage(2, page, 0, 4096, 0), { code: 'format/order' }, 'doubled');
  t.throws(() => writer.addPage(3, page, 0, 4095, 0), { code: 'format/corrupt' }, 'short raw page');
  const full = start();
  t.throws(() => full.addPage(2, page, 0, 4096, 1), { code: 'format/corrupt' }, 'compressed page that did not shrink');
  t.throws(() => start().finish(), { code: 'format/order' }, 'pages missing at the end');
  t.throws(() => createKdumpWriter(new MemorySink({ seekable: false }), buildPlan(machine)), { code: 'format/unsupported' });
  t.end();
});

t.test('windows give the same bytes, and come in order, each once its pages before have come', (t) => {
  const windowed = rangesInWindows(machine.endPfn, machine.ranges, 100);
  t.equal(compareBytes(buildDump(machine, { existing: windowed, kept: windowed }), buildDump(machine)), 'same');
  const begin = (): KdumpWriter => createKdumpWriter(new MemorySink(), buildPlan(machine, { kept: windowed }));
  const [first, second, third] = Array.from(windowed.windows(), ({ start, bits }) => ({
    start,
    bits: new Bitmap(bits.sizeBits, bits.bytes.slice()),
  }));
  const page = new Uint8Array(4096);
  t.throws(() => begin().addPage(1, page, 0, 4096, 0), { code: 'format/order' }, 'no window yet');
  t.throws(() => begin().startWindow(second), { code: 'format/order' }, 'one left out');
  t.throws(() => begin().startWindow({ start: 0, bits: second.bits }), { code: 'format/changed' });
  const writer = begin();
  const addAll = (from: number, to: number) => {
    for (let pfn = from; pfn < to; pfn++) writer.addPage(pfn, page, 0, 4096, 0);
  };
  writer.startWindow(first);
  addAll(1, 50);
  t.throws(() => writer.startWindow(second), { code: 'format/order' }, 'pages missing');
  addAll(50, 96);
  t.throws(() => writer.addPage(96, page, 0, 4096, 0), { code: 'format/order' }, 'of the next window');
  t.throws(() => writer.startWindow(first), { code: 'format/order' }, 'again');
  t.throws(() => writer.finish(), { code: 'format/order' }, 'windows missing');
  writer.startWindow(second);
  t.throws(() => writer.startWindow(third), { code: 'format/order' }, 'pages missing');
  addAll(96, 160);
  t.doesNotThrow(() => writer.startWindow(third));
  t.end();
});

t.test('until finish() the header says incomplete', (t) => {
  const sink = new MemorySink();
  const plan = buildPlan(machine, { status: 1 });
  const writer = createKdumpWriter(sink, plan);
  t.equal(diskDumpHeader.read(sink.bytes).status, statusFlags.incomplete | 1);
  feedPages(writer, machine, plan);
  t.equal(diskDumpHeader.read(sink.bytes).status, statusFlags.incomplete | 1);
  writer.finish();
  t.equal(diskDumpHeader.read(sink.bytes).status, 1);
  t.equal(writer.writtenBytes, sink.bytes.length);
  t.end();
});

t.test('wherever space runs out, every descriptor in the file refers to data in the file', (t) => {
  const big = buildMachine({ ranges: [{ start: 0, end: 1500 }] });
  const plan = buildPlan(big, { zeroPages: true });
  const { dataOffset, descriptorsOffset } = layOutKdump(4096, big.endPfn, big.notes.length, 1500);
  const whole = buildDump(big, { zeroPages: true });
  let partial = 0;
  const spaces = Array.from(
    { length: Math.ceil((whole.length - descriptorsOffset) / 99_991) },
    (_, index) => descriptorsOffset + index * 99_991,
  );
  for (const [spaceBytes, queuedBytes] of spaces.flatMap((space) => [0, 65_536].map((queued) => [space, queued] as const))) {
    const sink = new MemorySink({ spaceBytes, queuedBytes });
    const writer = createKdumpWriter(sink, plan);
    const fill = () => {
      feedPages(writer, big, plan);
      writer.finish();
    };
    t.throws(fill, { code: 'sink/no-space' });
    writer.abandon();
    const bytes = sink.bytes;
    t.equal(diskDumpHeader.read(bytes).status & statusFlags.incomplete, statusFlags.incomplete);
    for (let at = descriptorsOffset; at < dataOffset && at + 24 <= bytes.length; at += 24) {
      const { offset, size } = pageDesc.read(bytes, at);
      if (offset === 0n) continue;
      partial++;
      if (Number(offset) + size > bytes.length) t.fail(`a descriptor refers to ${offset}, beyond ${bytes.length}`);
    }
  }
  t.ok(partial > 0, 'some pages were saved');
  t.end();
});

t.test('a dump that is given up keeps what was under way', (t) => {
  const big = buildMachine({ ranges: [{ start: 0, end: 1500 }] });
  const plan = buildPlan(big, { zeroPages: true });
  const { dataOffset, descriptorsOffset } = layOutKdump(4096, big.endPfn, big.notes.length, 1500);
  const described = [0, 65_536].map((queuedBytes) => {
    const sink = new MemorySink({ queuedBytes });
    const writer = createKdumpWriter(sink, plan);
    feedPages(writer, big, plan);
    writer.abandon();
    const { bytes } = sink;
    return Array.from({ length: 1500 }, (_, index) => descriptorsOffset + index * 24).filter(
      (at) => at < dataOffset && pageDesc.read(bytes, at).offset > 0n,
    ).length;
  });
  t.ok(described.every((count) => count > 500));
  t.end();
});

t.test('on a device that keeps old bytes, lost pages have empty descriptors', (t) => {
  const sink = Object.assign(new MemorySink({ spaceBytes: 600_000 }), { keepsOldBytes: true });
  const { descriptorsOffset, dataOffset } = layOutKdump(4096, machine.endPfn, machine.notes.length, machine.existing.count());
  const old = new Uint8Array(dataOffset).fill(0xaa);
  sink.fillSilently(old);
  const plan = buildPlan(machine);
  const writer = createKdumpWriter(sink, plan);
  t.throws(() => feedPages(writer, machine, plan), { code: 'sink/no-space' });
  writer.abandon();
  t.notOk(sink.bytes.subarray(descriptorsOffset, dataOffset).includes(0xaa));
  t.end();
});
