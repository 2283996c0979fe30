import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Bitmap } from '../../bitmap/bitmap.ts';
import { KcaptureError } from '../../errors.ts';
import { buildDump, buildPlan, buildUtsname, feedPages } from '../../testing/build-dump.ts';
import { buildElfCore, buildMachine, type TestMachine } from '../../testing/build-machine.ts';
import { openBytes } from '../../testing/bytes-file.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { NodeZlibCodec } from '../../testing/node-zlib-codec.ts';
import { makeFolder, runTool } from '../../testing/other-tools.ts';
import { diskDumpHeader, kdumpSubHeader, layOutKdump, statusFlags } from './layout.ts';
import { type KdumpSource, openKdumpMemory } from './reader.ts';
import { createKdumpWriter } from './writer.ts';

const folder = makeFolder(t.teardown);
const machine = buildMachine();
const zlib = new NodeZlibCodec();
const openCodec = () => zlib;
const open = (...dumps: Uint8Array[]): KdumpSource =>
  openKdumpMemory(
    dumps.map((bytes, index) => openBytes(bytes, `part ${index}`)),
    openCodec,
  );

/** Every page of `ranges` through read() and through a window; the first page that is wrong, or undefined. */
function firstWrongPage(memory: KdumpSource, from: TestMachine): string | undefined {
  const window = memory.openWindow(3 * memory.pageSize);
  const page = new Uint8Array(memory.pageSize);
  for (const { start, end } of memory.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      const expected = from.page(pfn);
      const length = Math.min(memory.contiguousBytes(pfn * memory.pageSize), window.capacityBytes);
      const at = window.locate(pfn * memory.pageSize, length);
      if (Buffer.compare(window.bytes.subarray(at, at + memory.pageSize), expected) !== 0) return `window ${pfn}`;
      memory.read(pfn * memory.pageSize, page);
      if (Buffer.compare(page, expected) !== 0) return `read ${pfn}`;
    }
  }
  return undefined;
}

t.test('a dump gives back the pages it was made of', (t) => {
  const mixed = { zeroPages: true, status: 1, codecOf: (pfn: number) => (pfn % 2 === 0 ? zlib : undefined) };
  for (const options of [{}, { zeroPages: true }, mixed]) {
    const memory = open(buildDump(machine, { ...options, utsname: buildUtsname(), crashTime: 1_700_000_000, physBase: -0x1000n }));
    t.same(memory.ranges, machine.ranges);
    t.same(memory.existingRanges, machine.ranges);
    t.equal(firstWrongPage(memory, machine), undefined);
    t.equal(memory.incomplete, false);
    t.equal(memory.header.utsname.release, '6.1.0-test');
    t.equal(memory.header.crashTime, 1_700_000_000);
    t.equal(memory.header.physBase, -0x1000n);
    t.equal(memory.machine, 'x86_64');
    t.same(memory.notes, machine.notes);
    memory.close();
  }
  t.end();
});

t.test('pages of 16 and 64 KiB are read like those of 4', (t) => {
  for (const pageSize of [16384, 65536]) {
    const large = buildMachine({ pageSize, ranges: [{ start: 3, end: 40 }] });
    t.equal(firstWrongPage(open(buildDump(large, { codecOf: () => zlib })), large), undefined);
  }
  t.end();
});

t.test('dumps that makedumpfile makes are read', (t) => {
  writeFileSync(join(folder, 'vmcore'), buildElfCore(machine));
  for (const options of [
    ['-d', '0'],
    ['-d', '1'],
    ['-c', '-d', '1'],
  ]) {
    runTool('makedumpfile', [...options, '-f', 'vmcore', 'theirs'], { cwd: folder });
    const memory = open(readFileSync(join(folder, 'theirs')));
    t.same(memory.ranges, machine.ranges);
    t.equal(firstWrongPage(memory, machine), undefined, options.join(' '));
  }
  t.end();
});

t.test('random places are read right after one another', (t) => {
  const memory = open(buildDump(machine, { zeroPages: true, codecOf: () => zlib }));
  const window = memory.openWindow(memory.pageSize);
  const pages = [1, 699, 2, 400, 4, 159, 300, 301, 299, 0x10122, 1, 402, 400, 401];
  for (let round = 0; round < 3; round++) {
    for (const pfn of pages) {
      const expected = machine.page(pfn);
      const at = window.locate(pfn * 4096 + 100, 1000);
      if (Buffer.compare(window.bytes.subarray(at, at + 1000), expected.subarray(100, 1100)) !== 0) t.fail(`page ${pfn}`);
      const across = new Uint8Array(10);
      memory.read(pfn * 4096 + 4086, across);
      if (Buffer.compare(across, expected.subarray(4086)) !== 0) t.fail(`end of page ${pfn}`);
    }
  }
  const twoPages = new Uint8Array(100);
  memory.read(2 * 4096 - 50, twoPages);
  t.same(twoPages, Buffer.concat([machine.page(1).subarray(4046), machine.page(2).subarray(0, 50)]));
  t.end();
});

t.test('it counts how the pages are stored', (t) => {
  const small = buildMachine({ ranges: [{ start: 0, end: 40 }] });
  const counts = open(buildDump(small, { zeroPages: true, codecOf: () => zlib })).countStored();
  t.same(counts, { raw: 10, zlib: 20, lzo: 0, snappy: 0, zstd: 0, sharedZero: 10, lost: 0 });
  t.end();
});

t.test('a page that was left out and a page that never was are told apart', (t) => {
  const kept = Bitmap.fromRanges(machine.endPfn, [{ start: 1, end: 50 }]);
  const memory = open(buildDump(machine, { kept }));
  const page = new Uint8Array(8);
  t.same(memory.ranges, [{ start: 1, end: 50 }]);
  t.same(memory.existingRanges, machine.ranges);
  t.equal(memory.contiguousBytes(48 * 4096 + 1), 2 * 4096 - 1);
  t.equal(memory.contiguousBytes(50 * 4096), 0);
  t.throws(() => memory.read(51 * 4096, page), { code: 'vmcore/excluded' });
  t.throws(() => memory.read(200 * 4096, page), { code: 'vmcore/absent' });
  t.throws(() => memory.read(machine.endPfn * 4096, page), { code: 'vmcore/absent' });
  t.throws(() => memory.openWindow(8192).locate(49 * 4096, 8192), { code: 'vmcore/excluded' });
  t.end();
});

t.test('every header version is read with the fields it has', (t) => {
  const whole = buildDump(machine, { physBase: 0x1000n, dumpLevel: 1, utsname: buildUtsname() });
  for (let version = 1; version <= 7; version++) {
    const bytes = whole.slice();
    bytes[diskDumpHeader.fields.header_version[0]] = version;
    const memory = open(bytes);
    t.equal(memory.endPfn, machine.endPfn, `version ${version}`);
    t.equal(memory.notes.length, version >= 4 ? machine.notes.length : 0);
    t.equal(memory.dumpLevel, 1);
  }
  t.end();
});

t.test('one bitmap can stand for both', (t) => {
  const small = buildMachine({ ranges: [{ start: 0, end: 20 }] });
  const whole = buildDump(small);
  const { secondBitmapOffset } = layOutKdump(4096, 20, small.notes.length, 20);
  const bytes = Buffer.concat([whole.subarray(0, secondBitmapOffset), whole.subarray(secondBitmapOffset + 4096)]);
  bytes.writeUInt32LE(1, diskDumpHeader.fields.bitmap_blocks[0]);
  for (let at = secondBitmapOffset; at < secondBitmapOffset + 20 * 24; at += 24) bytes.writeUInt32LE(bytes.readUInt32LE(at) - 4096, at);
  const memory = open(bytes);
  t.equal(firstWrongPage(memory, small), undefined);
  t.same(memory.existingRanges, small.ranges);
  t.end();
});

t.test('a dump that ran out of space gives what was saved', (t) => {
  const big = buildMachine({ ranges: [{ start: 0, end: 1500 }] });
  const plan = buildPlan(big, { zeroPages: true });
  const sink = new MemorySink({ spaceBytes: 3_500_000 });
  const writer = createKdumpWriter(sink, plan);
  t.throws(() => feedPages(writer, big, plan), { code: 'sink/no-space' });
  writer.abandon();
  const memory = open(sink.bytes);
  t.equal(memory.incomplete, true);
  t.equal(firstWrongPage(memory, big), undefined);
  t.ok(memory.ranges[0].end > 500 && memory.ranges[0].end < 1500, `${memory.ranges[0].end} pages were saved`);
  t.ok(memory.countStored().lost > 0);
  t.throws(() => memory.read(1499 * 4096, new Uint8Array(8)), { code: 'vmcore/excluded' });
  t.end();
});

t.test('what it cannot read it refuses by name', (t) => {
  const whole = buildDump(machine);
  const changed = (offset: number, bytes: number[]) => {
    const copy = whole.slice();
    copy.set(bytes, offset);
    return () => open(copy);
  };
  t.throws(changed(0, [...Buffer.from('DISKDUMP')]), { code: 'format/unsupported', message: /DISKDUMP/ });
  t.throws(changed(0, [1]), { code: 'format/not-a-dump' });
  t.throws(changed(8, [0, 0, 0, 6]), { code: 'format/unsupported', message: /byte order/ });
  t.throws(changed(428, [1, 2, 3, 4]), { code: 'format/corrupt', message: /block_size/ });
  t.throws(changed(432, [0xff, 0xff, 0xff, 0x7f]), { code: 'format/incomplete' });
  t.throws(changed(436, [1, 0, 0, 0]), { code: 'format/corrupt', message: /bitmap_blocks/ });
  t.throws(changed(272, [...Buffer.from('ppc64le')]), { code: 'format/unsupported', message: /ppc64le/ });
  t.throws(changed(4096 + kdumpSubHeader.fields.size_note[0], [0xff, 0xff, 0xff, 0xff]), { code: 'format/corrupt', message: /notes/ });
  t.throws(changed(4096 + kdumpSubHeader.fields.max_mapnr_64[0] + 6, [1]), { code: 'format/corrupt' });
  t.end();
});

t.test('a dump that is cut off is refused at every length, or read as far as it goes when it says so', (t) => {
  const small = buildMachine({ ranges: [{ start: 0, end: 30 }] });
  const whole = buildDump(small, { zeroPages: true, codecOf: (pfn) => (pfn % 8 === 1 ? zlib : undefined) });
  const marked = whole.slice();
  marked[diskDumpHeader.fields.status[0]] |= statusFlags.incomplete;
  const { descriptorsOffset } = layOutKdump(4096, 30, small.notes.length, 30);
  for (
    let length = 0;
    length < whole.length;
    length +=
      length < 600 || (length > 4000 && length < 4300) || (length > descriptorsOffset - 20 && length < descriptorsOffset + 1000) ? 1 : 97
  ) {
    try {
      open(whole.subarray(0, length));
      t.fail(`${length} of ${whole.length} bytes were taken for a dump`);
    } catch (error) {
      if (!(error instanceof KcaptureError) || error.code !== 'format/incomplete') t.fail(`${length} bytes: ${error}`);
    }
    if (length < descriptorsOffset) continue;
    const wrong = firstWrongPage(open(marked.subarray(0, length)), small);
    if (wrong !== undefined) t.fail(`${length} bytes: ${wrong}`);
  }
  t.pass('all lengths');
  t.end();
});

t.test('a flipped byte anywhere gives an error of ours or a dump that can be read', (t) => {
  const small = buildMachine({ ranges: [{ start: 0, end: 30 }], nrCpus: 1, vmcoreinfo: 'OSRELEASE=6.1\nPAGESIZE=4096\n' });
  const codecOf = (pfn: number) => (pfn % 8 === 1 ? zlib : undefined);
  const whole = buildDump(small, { zeroPages: true, codecOf, utsname: buildUtsname() });
  const { firstBitmapOffset, secondBitmapOffset, descriptorsOffset, dataOffset } = layOutKdump(4096, 30, small.notes.length, 30);
  const places = [
    ...bytesFrom(0, 480),
    ...bytesFrom(4096, firstBitmapOffset - 3500),
    ...bytesFrom(firstBitmapOffset, firstBitmapOffset + 8),
  ];
  places.push(...bytesFrom(secondBitmapOffset, secondBitmapOffset + 8), ...bytesFrom(descriptorsOffset, dataOffset));
  for (let at = dataOffset; at < whole.length; at += 1999) places.push(at);
  for (const at of places) {
    for (const flip of [0xff, 1 << (at % 8)]) {
      const bytes = whole.slice();
      bytes[at] ^= flip;
      const problem = foreignError(() => readEverything(open(bytes)));
      if (problem !== undefined) t.fail(`byte ${at} ^ ${flip}: ${problem}`);
    }
  }
  t.pass(`${places.length} bytes`);
  t.end();
});

function bytesFrom(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}

function readEverything(memory: KdumpSource): void {
  const window = memory.openWindow(memory.pageSize);
  for (const { start, end } of memory.ranges) for (let pfn = start; pfn < end; pfn++) window.locate(pfn * memory.pageSize, 1);
  memory.countStored();
  memory.close();
}

/** What went wrong otherwise than it should. */
function foreignError(action: () => void): string | undefined {
  try {
    action();
  } catch (error) {
    if (!(error instanceof KcaptureError)) return error instanceof Error ? error.stack : String(error);
  }
  return undefined;
}
