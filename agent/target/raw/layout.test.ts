import { crc32 } from 'node:zlib';
import t from 'tap';
import { MiB } from '../../binary/units.ts';
import { headerBytes, headersBytes, planAreas, type RawHeader, readRawHeader, writeRawHeader } from './layout.ts';

const deviceBytes = 64 * MiB;
const header: RawHeader = {
  state: 'ended',
  sequence: 7,
  deviceBytes,
  startedAtMs: 1_772_600_767_000,
  captures: 2,
  dumpComplete: true,
  name: 'host-2026-03-04-05:06:07',
  areas: planAreas(deviceBytes),
};

function headers(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headersBytes);
  bytes.set(first);
  bytes.set(second, headerBytes);
  return bytes;
}

t.test('areas follow one another and fill the device', async (t) => {
  for (const size of [8 * MiB, 64 * MiB, 2 ** 40]) {
    const { dmesg, manifest, log, dump } = planAreas(size);
    let end = headersBytes;
    for (const area of [dmesg, manifest, log, dump]) {
      t.ok(area.offset >= end && area.bytes > 0);
      end = area.offset + area.bytes;
    }
    t.equal(end, size);
    t.equal(dump.offset % MiB, 0);
  }
  t.throws(() => planAreas(3 * MiB), { code: 'target/small' });
});

t.test('a header is read as it was written', async (t) => {
  const block = writeRawHeader(header);
  t.equal(block.length, headerBytes);
  t.same(readRawHeader(headers(block, block), deviceBytes), header);
});

t.test('one copy is enough, and the later one counts', async (t) => {
  const older = writeRawHeader({ ...header, sequence: 6, state: 'begun' });
  const newer = writeRawHeader(header);
  const torn = newer.slice();
  torn[100] ^= 1;
  t.equal(readRawHeader(headers(older, newer), deviceBytes)?.sequence, 7);
  t.equal(readRawHeader(headers(newer, older), deviceBytes)?.sequence, 7);
  t.equal(readRawHeader(headers(older, torn), deviceBytes)?.sequence, 6);
  t.throws(() => readRawHeader(headers(torn, torn), deviceBytes), { code: 'target/raw-damaged' });
});

t.test('a device that never held a capture has none', async (t) => {
  t.equal(readRawHeader(new Uint8Array(headersBytes), deviceBytes), undefined);
  t.equal(readRawHeader(new Uint8Array(0), deviceBytes), undefined);
  t.equal(readRawHeader(Buffer.from('makedumpfile'), deviceBytes), undefined);
});

t.test('every flipped byte of what counts is noticed', async (t) => {
  const block = writeRawHeader(header);
  for (let at = 0; at < 512; at++) {
    const damaged = block.slice();
    damaged[at] ^= 0xff;
    // Behind the end of the word no byte of the magic counts.
    let found: RawHeader | undefined;
    try {
      found = readRawHeader(headers(damaged, damaged), deviceBytes);
    } catch (error) {
      t.match(error, { code: 'target/raw-damaged' });
    }
    if (found !== undefined) t.fail(`byte ${at}`);
  }
});

t.test('areas that lie outside the device are refused, though their checksum is right', async (t) => {
  const set = (offset: number, value: bigint) => {
    const block = writeRawHeader(header);
    const view = new DataView(block.buffer);
    view.setBigUint64(offset, value, true);
    view.setUint32(508, crc32(block.subarray(0, 508)), true);
    return block;
  };
  for (const [offset, value] of [
    [104, 0n],
    [104, 2n ** 64n - 1n],
    [112, 2n ** 63n],
    [64, BigInt(deviceBytes)],
    [56, 100n],
  ] as const) {
    t.throws(
      () => readRawHeader(headers(set(offset, value), set(offset, value)), deviceBytes),
      { code: 'target/raw-damaged' },
      String(offset),
    );
  }
  t.throws(
    () => readRawHeader(headers(writeRawHeader(header), new Uint8Array(0)), 32 * MiB),
    { code: 'target/raw-damaged' },
    'a device that shrank',
  );
});
