import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KcaptureError } from '../../errors.ts';
import { buildDump, buildPlan, feedPages } from '../../testing/build-dump.ts';
import { buildElfCore, buildMachine, type TestMachine } from '../../testing/build-machine.ts';
import { openBytes } from '../../testing/bytes-file.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { compareBytes, makeFolder, runTool } from '../../testing/other-tools.ts';
import { CountingSink } from '../../sink/counting-sink.ts';
import type { Sink } from '../../sink/sink.ts';
import { NodeZlibCodec } from '../../testing/node-zlib-codec.ts';
import { DUMP_ELF_INCOMPLETE, elfHeader } from '../../vmcore/elf-layout.ts';
import { openKdumpMemory } from '../kdump/reader.ts';
import { createKdumpWriter } from '../kdump/writer.ts';
import { FlattenedSink } from './flattened-sink.ts';
import { flattenedHeaderBytes, flattenedRecord } from './layout.ts';
import { openFlattened } from './open-flattened.ts';
import { rearrange } from './rearrange.ts';

const folder = makeFolder(t.teardown);
const machine = buildMachine({ ranges: [{ start: 0, end: 60 }] });
writeFileSync(join(folder, 'vmcore'), buildElfCore(machine));

type Write = readonly [offset: number, bytes: readonly number[]];

/** A stream of the given records. */
function buildStream(writes: readonly Write[], options: { end?: boolean } = {}): Uint8Array {
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  for (const [offset, bytes] of writes) sink.write(offset, Uint8Array.from(bytes));
  if (options.end ?? true) sink.end();
  return stream.bytes;
}

/** Hands the stream out in pieces of `pieceBytes` at most, as a pipe does. */
function feedStream(stream: Uint8Array, sink: Sink, pieceBytes = 65536): number {
  let at = 0;
  const { sizeBytes } = rearrange((target) => {
    const piece = stream.subarray(at, at + Math.min(target.length, pieceBytes));
    target.set(piece);
    at += piece.length;
    return piece.length;
  }, sink);
  return sizeBytes;
}

function rearranged(stream: Uint8Array, pieceBytes?: number): Uint8Array {
  const sink = new MemorySink();
  const sizeBytes = feedStream(stream, sink, pieceBytes);
  if (sizeBytes !== sink.bytes.length) throw new Error(`${sizeBytes} bytes reported, ${sink.bytes.length} written`);
  return sink.bytes;
}

function readAll(stream: Uint8Array, salvage = false): Uint8Array {
  const file = openFlattened(openBytes(stream), { salvage });
  const bytes = new Uint8Array(file.sizeBytes);
  file.read(0, bytes);
  return bytes;
}

/** A whole dump, flattened by our sink. */
function flattenedDump(machine: TestMachine): Uint8Array {
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  const plan = buildPlan(machine);
  const writer = createKdumpWriter(sink, plan);
  feedPages(writer, machine, plan);
  writer.finish();
  sink.end();
  return stream.bytes;
}

t.test('our stream is restored to the dump that is written directly', (t) => {
  const stream = flattenedDump(machine);
  const direct = buildDump(machine);
  t.equal(compareBytes(rearranged(stream), direct), 'same');
  t.equal(compareBytes(rearranged(stream, 7), direct), 'same', 'from a pipe that gives seven bytes at a time');
  t.equal(compareBytes(readAll(stream), direct), 'same', 'read in place');
  runTool('makedumpfile', ['-R', '-f', 'theirs'], { cwd: folder, input: stream });
  t.equal(compareBytes(readFileSync(join(folder, 'theirs')), direct), 'same', 'by makedumpfile');
  t.end();
});

t.test('a write that is announced and comes in pieces is one record', (t) => {
  const inPieces = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(inPieces);
  sink.announce(0, 5);
  sink.write(0, Uint8Array.of(1, 2));
  sink.write(2, Uint8Array.of(3));
  sink.write(3, Uint8Array.of(4, 5));
  sink.announce(9, 0);
  sink.write(7, Uint8Array.of(6));
  sink.end();
  const whole = buildStream([
    [0, [1, 2, 3, 4, 5]],
    [7, [6]],
  ]);
  t.equal(compareBytes(inPieces.bytes, whole), 'same');
  t.end();
});

t.test('an announced write that does not come, or comes elsewhere, is refused', (t) => {
  const start = () => {
    const sink = new FlattenedSink(new MemorySink({ seekable: false }));
    sink.announce(10, 4);
    sink.write(10, Uint8Array.of(1));
    return sink;
  };
  t.throws(() => start().end(), { code: 'format/order' });
  t.throws(() => start().announce(20, 1), { code: 'format/order' });
  t.throws(() => start().write(10, Uint8Array.of(1)), { code: 'format/order' }, 'a byte again');
  t.throws(() => start().write(12, Uint8Array.of(1)), { code: 'format/order' }, 'a byte left out');
  t.throws(() => start().write(11, new Uint8Array(4)), { code: 'format/order' }, 'one byte more');
  t.doesNotThrow(() => start().write(11, new Uint8Array(3)));
  t.end();
});

t.test("makedumpfile's stream is restored to its own dump", (t) => {
  for (const options of [
    ['-d', '0'],
    ['-c', '-d', '1'],
    ['-E', '-d', '0'],
  ]) {
    const stream = runTool('makedumpfile', [...options, '-F', 'vmcore'], { cwd: folder });
    runTool('makedumpfile', [...options, '-f', 'vmcore', 'direct'], { cwd: folder });
    const direct = readFileSync(join(folder, 'direct'));
    t.equal(compareBytes(rearranged(stream), direct), 'same', options.join(' '));
    t.equal(compareBytes(readAll(stream), direct), 'same', options.join(' '));
  }
  t.end();
});

t.test('records overlap in every way and the later one holds', (t) => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor(seed / 65536) % below;
  };
  for (let round = 0; round < 300; round++) {
    const writes: Write[] = Array.from({ length: 1 + random(12) }, (_, index) => [random(30), new Array(1 + random(20)).fill(index + 1)]);
    const stream = buildStream(writes);
    const slow = new Uint8Array(Math.max(...writes.map(([offset, bytes]) => offset + bytes.length)));
    for (const [offset, bytes] of writes) slow.set(bytes, offset);
    if (compareBytes(readAll(stream), slow) !== 'same') t.fail(JSON.stringify(writes));
    if (compareBytes(rearranged(stream), slow) !== 'same') t.fail(JSON.stringify(writes));
  }
  t.pass('300 streams');
  t.end();
});

t.test('a window and single reads give the same bytes, gaps included', (t) => {
  const stream = buildStream([
    [5, [1, 2, 3]],
    [100, [4]],
    [40, [5, 6]],
  ]);
  const file = openFlattened(openBytes(stream));
  const expected = readAll(stream);
  t.equal(file.sizeBytes, 101);
  const window = file.openWindow(16);
  for (let offset = 0; offset < 101; offset++) {
    for (const length of [1, Math.min(16, 101 - offset)]) {
      const at = window.locate(offset, length);
      if (compareBytes(window.bytes.subarray(at, at + length), expected.subarray(offset, offset + length)) !== 'same') t.fail(`${offset}`);
    }
  }
  t.throws(() => file.read(100, new Uint8Array(2)), { code: 'vmcore/short-read' });
  t.throws(() => window.locate(101, 1), { code: 'vmcore/short-read' });
  t.end();
});

t.test('a stream that is cut off anywhere is incomplete', (t) => {
  const stream = buildStream([
    [0, [1, 2, 3, 4]],
    [10, [5, 6]],
  ]);
  for (let length = 0; length < stream.length; length++) {
    const cut = stream.subarray(0, length);
    if (codeOf(() => rearranged(cut)) !== 'format/incomplete') t.fail(`rearranged ${length} bytes`);
    if (codeOf(() => readAll(cut)) !== 'format/incomplete') t.fail(`opened ${length} bytes`);
  }
  t.same(readAll(stream.subarray(0, flattenedHeaderBytes + 18), true), [1, 2], 'salvaged');
  t.end();
});

t.test('what a cut stream gave is marked incomplete, and can be read so', (t) => {
  const big = buildMachine({ ranges: [{ start: 0, end: 700 }] });
  const stream = flattenedDump(big);
  const half = stream.subarray(0, Math.floor(stream.length * 0.6));
  const sink = new MemorySink();
  t.equal(
    codeOf(() => feedStream(half, sink)),
    'format/incomplete',
  );
  const memory = openKdumpMemory([openBytes(sink.bytes)], () => new NodeZlibCodec());
  t.equal(memory.incomplete, true);
  const page = new Uint8Array(4096);
  memory.read(4096, page);
  t.same(page, big.page(1));
  const elf = new MemorySink();
  const elfStream = buildStream([[0, [...readFileSync(join(folder, 'vmcore')).subarray(0, 2000)]]], { end: false });
  t.equal(
    codeOf(() => feedStream(elfStream, elf)),
    'format/incomplete',
  );
  t.equal(elfHeader.read(elf.bytes).flags, DUMP_ELF_INCOMPLETE);
  t.end();
});

t.test('a flipped byte gives an error of ours or a stream that can be read', (t) => {
  const stream = buildStream([
    [0, [1, 2, 3, 4]],
    [10, [5, 6]],
  ]);
  const places = Array.from({ length: stream.length }, (_, at) => at).filter((at) => at < 40 || at >= flattenedHeaderBytes);
  for (const at of places) {
    for (const flip of [0xff, 0x80, 1]) {
      const bytes = stream.slice();
      bytes[at] ^= flip;
      for (const action of [() => readFirst(bytes), () => countWrites(bytes)]) {
        const code = codeOf(action);
        if (code?.startsWith('foreign')) t.fail(`byte ${at} ^ ${flip}: ${code}`);
      }
    }
  }
  t.pass(`${places.length} bytes`);
  t.end();
});

t.test('impossible records are refused', (t) => {
  const record = (offset: bigint, buf_size: bigint) => flattenedRecord.write({ offset, buf_size }, false);
  const start = buildStream([], { end: false });
  for (const [offset, size] of [
    [-1n, 4n],
    [4n, -1n],
    [0n, 0n],
    [1n << 53n, 1n],
    [1n, (1n << 63n) - 1n],
  ]) {
    const stream = Buffer.concat([start, record(offset, size), new Uint8Array(8)]);
    t.equal(
      codeOf(() => readAll(stream)),
      'format/corrupt',
      `${size} bytes for ${offset}`,
    );
    t.equal(
      codeOf(() => countWrites(stream)),
      'format/corrupt',
    );
  }
  t.equal(
    codeOf(() => readAll(new Uint8Array(5000))),
    'format/not-a-dump',
  );
  t.end();
});

/** The first bytes only: a flipped offset makes the dump terabytes long. */
function readFirst(stream: Uint8Array): void {
  const file = openFlattened(openBytes(stream));
  file.read(0, new Uint8Array(Math.min(32, file.sizeBytes)));
}

/** Rearranges to nowhere. */
function countWrites(stream: Uint8Array): void {
  feedStream(stream, new CountingSink());
}

function codeOf(action: () => void): string | undefined {
  try {
    action();
  } catch (error) {
    return error instanceof KcaptureError ? error.code : `foreign: ${error instanceof Error ? error.stack : error}`;
  }
  return undefined;
}
