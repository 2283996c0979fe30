/** Kernel files of every kind: what they are told to be, what is taken out of them, and what becomes of damaged ones. */
import t from 'tap';
import { MiB } from '../binary/units.ts';
import { encodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';
import { buildArm64Image, buildBzImage, buildUki, buildZboot, gzip } from '../testing/build-kernel-image.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { identifyKernel } from './kernel-image.ts';
import { unwrapKernel } from './kernel-image-unwrap.ts';

const system = await createNodeSystem();

function zstd(bytes: Uint8Array): Uint8Array {
  const codec = system.openCodec('zstd');
  const target = new Uint8Array(codec.outputBound(bytes.length) + bytes.length);
  const length = codec.compress(bytes, 0, bytes.length, target, 0);
  codec.close();
  return target.slice(0, length);
}

function sizeTrailer(sizeBytes: number): Uint8Array {
  const trailer = new Uint8Array(4);
  new DataView(trailer.buffer).setUint32(0, sizeBytes, true);
  return trailer;
}

const bzImage = buildBzImage({ signed: true });
const arm64 = buildArm64Image();
const zstdBoot = buildZboot({ codec: 'zstd22', payload: zstd(arm64), trailer: sizeTrailer(arm64.length) });

t.test('identifyKernel() reads a bzImage', async (t) => {
  t.same(identifyKernel(bzImage, 'k'), {
    kind: 'bzimage',
    what: 'an x86 bzImage',
    machine: 'x86_64',
    release: '6.1.0-test',
    signed: true,
    memoryBytes: 48 * MiB,
    commandLineBytes: 2047,
    fiveLevel: true,
    problems: [],
  });
  t.match(identifyKernel(buildBzImage(), 'k'), { signed: false, problems: [] });
});

t.test('identifyKernel() reads an arm64 Image', async (t) => {
  t.match(identifyKernel(arm64, 'k'), {
    kind: 'arm64',
    machine: 'aarch64',
    release: '6.1.0-test',
    signed: false,
    memoryBytes: 32 * MiB,
    commandLineBytes: 2047,
    problems: [],
  });
  t.match(identifyKernel(buildArm64Image({ signed: true }), 'k'), { signed: true });
});

t.test('identifyKernel() says what speaks against a bzImage', async (t) => {
  const changed = (offset: number, value: number) => {
    const bytes = buildBzImage();
    bytes[offset] = value;
    return identifyKernel(bytes, 'k').problems.join('; ');
  };
  t.match(changed(0x234, 0), /not relocatable/);
  t.match(changed(0x211, 0), /zImage/);
  t.match(changed(0x236, 0x7e), /64-bit entry/);
  t.match(changed(0x236, 0x7d), /above 4 GiB/);
  t.match(changed(0x206, 0x0b), /boot protocol 2\.11/);
  t.match(identifyKernel(buildBzImage().subarray(0, 4000), 'k').problems[0], /cut off: 4000 bytes, expected 4096/);
  t.equal(identifyKernel(buildBzImage({ release: 'garbage' }), 'k').release, undefined);
});

t.test('identifyKernel() says what speaks against an arm64 Image', async (t) => {
  const changed = (offset: number, value: number) => {
    const bytes = buildArm64Image();
    bytes[offset] = value;
    return identifyKernel(bytes, 'k').problems.join('; ');
  };
  t.match(changed(24, 0xb), /big-endian/);
  t.match(changed(19, 0) + changed(23, 0xff), /no kernel does/);
  t.match(identifyKernel(buildArm64Image().subarray(0, 4000), 'k').problems[0], /cut off: 4000 bytes, expected 4096/);
});

t.test('unwrapKernel() takes a kernel out of gzip, zboot and unified images', async (t) => {
  t.equal(unwrapKernel(system, bzImage, 'k').bytes, bzImage, 'a plain one is handed back');
  for (const [what, bytes, kernel] of [
    ['gzip', gzip(arm64), arm64],
    ['zboot gzip', buildZboot({ codec: 'gzip', payload: gzip(arm64) }), arm64],
    ['zboot zstd', zstdBoot, arm64],
    ['uki', buildUki(bzImage, { signed: true }), bzImage],
    ['uki of a zboot', buildUki(zstdBoot), arm64],
    ['gzip of a zboot', gzip(zstdBoot), arm64],
  ] as const) {
    t.ok(Buffer.from(unwrapKernel(system, bytes, 'k').bytes).equals(kernel), what);
  }
  t.match(identifyKernel(buildUki(bzImage, { release: '6.9-uki', signed: true }), 'k'), { kind: 'uki', release: '6.9-uki', signed: true });
  t.match(identifyKernel(zstdBoot, 'k'), { kind: 'zboot', what: 'an EFI zboot image (zstd22)', machine: 'aarch64' });
});

t.test('what is no kernel is named', async (t) => {
  const found: readonly (readonly [Uint8Array, RegExp])[] = [
    [new Uint8Array(0), /empty/],
    [encodeText('070701rest of an archive'), /cpio/],
    [encodeText('#!/bin/sh\n'), /script/],
    [encodeText('hsqs'), /squashfs/],
    [Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), /xz/],
    [Uint8Array.of(1, 2, 3, 4), /01 02 03 04/],
    [buildUki(bzImage).fill(0x78, 0x80 + 24 + 160, 0x80 + 24 + 160 + 80), /EFI program that is no kernel/],
  ];
  for (const [bytes, wanted] of found) {
    t.throws(() => identifyKernel(bytes, '/boot/x'), { code: 'linux/kernel-image', message: wanted });
  }
  const elf = new Uint8Array(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46]);
  elf[18] = 62;
  t.match(identifyKernel(elf, 'k'), { kind: 'elf', machine: 'x86_64' });
  t.throws(() => unwrapKernel(system, elf, 'k'), { code: 'linux/kernel-image' });
});

t.test('a wrapping that lies is refused', async (t) => {
  const refused = (bytes: Uint8Array, wanted: RegExp) =>
    t.throws(() => unwrapKernel(system, bytes, 'k'), { code: 'linux/kernel-image', message: wanted });
  refused(buildZboot({ codec: 'xzkern', payload: new Uint8Array(100) }), /compressed with xzkern/);
  refused(buildZboot({ codec: 'zstd22', payload: zstd(arm64), trailer: sizeTrailer(2 ** 31) }), /claims 2147483648/);
  refused(buildZboot({ codec: 'zstd22', payload: zstd(arm64), trailer: sizeTrailer(arm64.length - 1) }), /does not expand/);
  refused(buildZboot({ codec: 'zstd22', payload: zstd(arm64) }), /ends before the size/);
  refused(buildZboot({ codec: 'gzip', payload: encodeText('nonsense') }), /does not expand/);
  let deep = arm64;
  for (let layer = 0; layer < 6; layer++) deep = gzip(deep);
  refused(deep, /more than 3 layers/);
});

t.test('every flipped byte and every length gives an answer or an error of ours', async (t) => {
  const victims = { bzImage, arm64, zstdBoot, gzip: gzip(arm64), uki: buildUki(bzImage, { signed: true }) };
  let runs = 0;
  const judge = (name: string, bytes: Uint8Array, what: string) => {
    runs++;
    try {
      unwrapKernel(system, bytes, name);
    } catch (error) {
      if (!(error instanceof KcaptureError)) t.fail(`${name}, ${what}: ${error}`);
    }
  };
  for (const [name, bytes] of Object.entries(victims)) {
    for (let length = 0; length < bytes.length; length += length < 700 ? 1 : 61) judge(name, bytes.subarray(0, length), `cut at ${length}`);
    for (let at = 0; at < bytes.length; at += at < 700 ? 1 : 61) {
      const changed = bytes.slice();
      for (const mask of [1 << (at % 8), 0xff]) {
        changed[at] = bytes[at] ^ mask;
        judge(name, changed, `byte ${at} ^ ${mask}`);
      }
    }
  }
  t.ok(runs > 5000, `${runs} runs`);
});
