import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KcaptureError } from '../../errors.ts';
import {
  buildLocklessLog,
  buildLogVmcore,
  buildPlainLog,
  buildRecordLog,
  type LogImage,
  type TestRecord,
} from '../../testing/build-log.ts';
import { makeFolder, runTool } from '../../testing/other-tools.ts';
import { VmcoreError } from '../../vmcore/memory-file.ts';
import { parseVmcoreinfo } from '../../vmcoreinfo/parse.ts';
import { type Dmesg, type DmesgOptions, readDmesg } from './dmesg.ts';

const records: readonly TestRecord[] = [
  { text: 'Linux version 6.1.0' },
  { text: 'two\nlines\nand a third' },
  {
    text: Uint8Array.of(0x41, 0x09, 0x0b, 0x0c, 0x0d, 0x1b, 0x00, 0x7f, 0xc3, 0xa9, 0x5a),
    dictionary: 'SUBSYSTEM=pci\0DEVICE=+pci:0000:00:01.0',
  },
  { text: '' },
  { text: 'on a CPU', caller: 0x80000003 },
  { text: 'late', timeNs: 123_456_789_012_345_678n, caller: 4194304 },
];
const many: readonly TestRecord[] = Array.from({ length: 400 }, (_, i) => ({ text: `record ${i} ${'x'.repeat((i * 7) % 61)}` }));
const pieces = Array.from({ length: 700 }, (_, i) => `<6>line ${i}\n`).join('');
const fits = many.slice(0, 40);

const images: { readonly [name: string]: LogImage } = {
  'plain text': buildPlainLog('one\ntwo\n'),
  'plain text that wrapped': buildPlainLog(pieces),
  'plain text one byte longer than the buffer': buildPlainLog('x'.repeat(4097)),
  records: buildRecordLog(records),
  'records that wrapped': buildRecordLog(fits, { start: 2000 }),
  'records of a kernel before 3.11': buildRecordLog(records, { structName: 'log' }),
  'records with callers': buildRecordLog(records, { callers: true }),
  'no records': buildRecordLog([]),
  'lockless records': buildLocklessLog([
    ...records,
    { text: 'never finished', state: 0 },
    { text: 'open for more', state: 1 },
    { text: 'gone', state: 3 },
    { text: '', dataless: true },
    { text: 'last' },
  ]),
  'lockless records whose text wrapped': buildLocklessLog(many, { countBits: 8 }),
  'lockless records whose descriptors wrapped': buildLocklessLog(many, { countBits: 4, sizeBits: 14 }),
  'lockless records without exported callers': buildLocklessLog(many, { callers: false }),
};

function read(image: LogImage, options: DmesgOptions = {}): Dmesg {
  return readDmesg(parseVmcoreinfo(image.vmcoreinfo), image.memory, options);
}

function textOf(image: LogImage, options: DmesgOptions = {}): string {
  return Buffer.from(read(image, options).text).toString('latin1');
}

t.test('readDmesg() prints what makedumpfile --dump-dmesg prints', async (t) => {
  const folder = makeFolder(t.teardown);
  for (const [name, image] of Object.entries(images)) {
    const vmcore = join(folder, 'vmcore');
    writeFileSync(vmcore, buildLogVmcore(image));
    // Debian 12 has 1.7.2, which does not know the caller column.
    const theirs = runTool('makedumpfile', ['--dump-dmesg', '-F', vmcore]).toString('latin1');
    t.equal(textOf(image, { callers: false }), theirs, name);
    t.same(read(image).warnings, [], `${name}: without a warning`);
  }
});

t.test('readDmesg() prints the caller column, and indents further lines by it', async (t) => {
  const text = textOf(buildLocklessLog(records));
  t.match(text, /^\[ {4}0\.250000\] \[ {6}T0\] Linux version 6\.1\.0\n/);
  t.match(text, `T1] two\n${' '.repeat(26)}lines\n${' '.repeat(26)}and a third\n`);
  t.match(text, '[      C3] on a CPU\n');
  t.match(text, '[123456789.012345] [T4194304] late\n');
  t.match(text, 'A\t\v\f\r\\x1b\\x00\\x7f\\xffffffc3\\xffffffa9Z\n');
  t.match(textOf(buildRecordLog(records, { callers: true })), /\[ {6}C3\] on a CPU\n/);
});

t.test('a log of an arm64 kernel has unsigned characters', async (t) => {
  const image = buildLocklessLog(records);
  t.match(textOf({ ...image, vmcoreinfo: `${image.vmcoreinfo}NUMBER(VA_BITS)=48\n` }), 'A\t\v\f\r\\x1b\\x00\\x7f\\xc3\\xa9Z\n');
});

t.test('a text block that ends with the ring is read there, not at the start', async (t) => {
  const exact = [{ text: 'a'.repeat(2040) }, { text: 'b'.repeat(2040) }, { text: 'c' }];
  const lines = textOf(buildLocklessLog(exact, { endsAtRingEnd: true, callers: false })).split('\n');
  t.equal(lines[0].slice(15), 'b'.repeat(2040), 'the second, the first having made room for the third');
  t.equal(lines[1].slice(15), 'c');
});

t.test('a plain log that just fills its buffer is there once', async (t) => {
  // makedumpfile 1.7.2 fails on this one.
  t.equal(textOf(buildPlainLog('x'.repeat(4096))), 'x'.repeat(4096));
});

t.test('--partial leaves out what dmesg --clear cleared', async (t) => {
  for (const latched of [true, false]) {
    const image = buildLocklessLog(fits, { countBits: 8, sizeBits: 14, clearSeq: 37n, latched });
    t.equal(textOf(image, { partial: true }).split('\n').length - 1, 3);
  }
  t.match(textOf(buildLocklessLog(many, { clearSeq: 390n }), { partial: true }), /^[^\n]* record 390 /);
  t.equal(textOf(buildLocklessLog(fits, { clearSeq: 40n }), { partial: true }), '', 'all was cleared');
  t.equal(textOf(buildRecordLog(fits, { clearedBefore: 38 }), { partial: true }).split('\n').length - 1, 2);
  t.match(read(images['plain text'], { partial: true }).warnings, ['this kernel does not tell what was cleared: read all of the log']);
});

t.test('a log that is too long loses its beginning', async (t) => {
  const text = 'a line of the log\n'.repeat(20_000);
  const { text: kept, warnings } = read(buildPlainLog(text, { bufferBytes: 2 ** 19 }), { maxBytes: 128 * 1024 });
  t.ok(text.endsWith(Buffer.from(kept).toString()));
  t.ok(kept.length > 64 * 1024 && kept.length <= 128 * 1024);
  t.match(warnings[0], /the first \d+ bytes of the text were left out/);
});

t.test('pages that cannot be read cost the records on them', async (t) => {
  for (const image of [buildLocklessLog(many, { countBits: 9, sizeBits: 15 }), buildRecordLog(many, { bufferBytes: 2 ** 16 })]) {
    const whole = textOf(image).split('\n');
    const hole = image.base + BigInt(Math.ceil((image.places.data ?? image.places.buffer) / 4096) * 4096 + 4096);
    const memory = withHole(image, hole, 4096n);
    const { text, warnings } = readDmesg(parseVmcoreinfo(image.vmcoreinfo), memory);
    const lines = Buffer.from(text).toString('latin1').split('\n');
    t.ok(lines.length > 40 && lines.length < whole.length, `${lines.length} of ${whole.length} lines`);
    t.same(
      lines.filter((line) => !whole.includes(line)),
      [],
      'no line is garbled',
    );
    t.match(warnings.join('\n'), /cannot be read/);
  }
  const plain = buildPlainLog(pieces, { bufferBytes: 16384 });
  const { text, warnings } = readDmesg(parseVmcoreinfo(plain.vmcoreinfo), withHole(plain, plain.base + BigInt(plain.places.buffer), 4096n));
  t.equal(text.length, Buffer.byteLength(pieces) - 4096);
  t.same(warnings, ['4096 bytes of the log lie on pages that cannot be read']);
});

function withHole(image: LogImage, start: bigint, length: bigint) {
  return {
    read(address: bigint, target: Uint8Array) {
      if (address < start + length && address + BigInt(target.length) > start) throw new VmcoreError('vmcore/excluded', 'Cannot read it');
      image.memory.read(address, target);
    },
  };
}

t.test('records in a circle end', async (t) => {
  const image = buildRecordLog(records);
  const view = new DataView(image.bytes.buffer);
  view.setUint16(image.places.buffer + 8, 0, true);
  t.match(read(image).warnings.join(), /says it is 0 bytes long/, 'the first record says "start again"');
  view.setUint32(image.places.log_first_idx, 64, true);
  view.setUint32(image.places.log_next_idx, 8, true);
  t.match(read(image).warnings.join(), /says it is|ends beyond/);
});

t.test('a ring that claims more records than it has room for gives the newest', async (t) => {
  const image = buildLocklessLog(many, { countBits: 6, sizeBits: 14 });
  const expected = textOf(image);
  const view = new DataView(image.bytes.buffer);
  view.setBigUint64(image.places.printk_rb_static + 32, 5n, true);
  const { text, warnings } = read(image);
  t.equal(Buffer.from(text).toString('latin1'), expected);
  t.match(warnings[0], /has room for 64: read the newest 64/);
});

t.test('records that share their text stop when the ring is used up', async (t) => {
  const image = buildLocklessLog(many, { countBits: 8, sizeBits: 12 });
  const view = new DataView(image.bytes.buffer);
  for (let slot = 0; slot < 256; slot++) {
    view.setBigUint64(image.places.descs + slot * 24 + 8, 0n, true);
    view.setBigUint64(image.places.descs + slot * 24 + 16, 4000n, true);
    view.setUint16(image.places.infos + slot * 88 + 16, 3900, true);
  }
  const { text, warnings } = read(image);
  t.ok(text.length < 16384);
  t.match(warnings.join(), /the records overlap/);
});

t.test('sizes that cannot be are named', async (t) => {
  const image = buildLocklessLog(records);
  const view = new DataView(image.bytes.buffer);
  view.setUint32(image.places.printk_rb_static, 40, true);
  t.throws(() => read(image), { code: 'analyse/damaged', message: /count_bits is 40, expected 1 to 26/ });
  view.setUint32(image.places.printk_rb_static, 26, true);
  view.setUint32(image.places.printk_rb_static + 48, 31, true);
  t.doesNotThrow(() => read(image), 'the largest the kernel allows, though the dump does not hold them');
  const old = buildRecordLog(records);
  new DataView(old.bytes.buffer).setUint32(old.places.log_buf_len, 0xffffffff, true);
  t.throws(() => read(old), { code: 'analyse/damaged' });
});

t.test('every key is either not needed or missed by name', async (t) => {
  for (const [name, image] of Object.entries(images)) {
    const lines = image.vmcoreinfo.split('\n');
    for (let left = 0; left < lines.length; left++) {
      const vmcoreinfo = lines.filter((_, i) => i !== left).join('\n');
      expectSane(t, { ...image, vmcoreinfo }, `${name} without ${lines[left]}`);
    }
    for (let left = 0; left < lines.length; left++) {
      const vmcoreinfo = lines.map((line, i) => (i === left ? line.replace(/=.*/, '=4090') : line)).join('\n');
      expectSane(t, { ...image, vmcoreinfo }, `${name} with ${lines[left]} wrong`);
    }
  }
  t.throws(() => readDmesg(parseVmcoreinfo(''), images.records.memory), { code: 'analyse/no-log' });
});

t.test('any changed byte gives text or an error', async (t) => {
  for (const [name, image] of Object.entries(images)) {
    const spans = Object.entries(image.places).filter(([place]) => place !== 'init_uts_ns' && place !== 'mem_map');
    for (const [place, start] of spans) {
      // Heads and variables byte by byte, the long arrays as far as their first records reach.
      for (let at = start; at < Math.min(start + 256, image.bytes.length); at++) {
        const before = image.bytes[at];
        for (const value of [before ^ 0xff, before ^ 0x01, 0x80]) {
          image.bytes[at] = value;
          expectSane(t, image, `${name}, ${place}+${at - start} = ${value}`);
        }
        image.bytes[at] = before;
      }
    }
  }
});

t.test('an image cut anywhere gives text or an error', async (t) => {
  for (const [name, image] of Object.entries(images)) {
    for (let length = 0; length < image.bytes.length; length += 509) {
      const bytes = image.bytes.subarray(0, length);
      const memory = {
        read(address: bigint, target: Uint8Array) {
          const offset = Number(address - image.base);
          if (!(offset >= 0 && offset + target.length <= bytes.length)) throw new VmcoreError('vmcore/absent', 'Cannot read it');
          target.set(bytes.subarray(offset, offset + target.length));
        },
      };
      expectSane(t, { ...image, memory }, `${name} cut at ${length}`);
    }
  }
});

t.test('a ring or buffer that claims gigabytes nobody can read is given up early', (t) => {
  const ring = buildLocklessLog([{ text: 'one' }]);
  const ringView = new DataView(ring.bytes.buffer);
  ringView.setUint32(ring.places.printk_rb_static, 26, true);
  ringView.setBigUint64(ring.places.printk_rb_static + 24, 1n << 40n, true);
  const plain = buildPlainLog('one');
  const plainView = new DataView(plain.bytes.buffer);
  plainView.setUint32(plain.places.log_buf_len, 2 ** 31, true);
  plainView.setUint32(plain.places.log_end, 2 ** 31 - 1, true);
  for (const image of [ring, plain]) {
    let reads = 0;
    const memory = {
      read: (from: bigint, target: Uint8Array) => {
        reads++;
        image.memory.read(from, target);
      },
    };
    const { warnings } = readDmesg(parseVmcoreinfo(image.vmcoreinfo), memory);
    t.match(warnings.join('\n'), /cannot be read/);
    t.ok(reads < 100_000, `${reads} reads`);
  }
  t.end();
});

/** Text of a bounded length with a line's worth of warnings, or an error with a code. */
function expectSane(t: Test, image: LogImage, what: string): void {
  try {
    const { text, warnings } = read(image);
    if (text.length > 4 * 1024 * 1024 || warnings.length > 21) t.fail(`${what}: ${text.length} bytes, ${warnings.length} warnings`);
  } catch (error) {
    if (!(error instanceof KcaptureError)) t.fail(`${what}: ${error}`);
  }
}
