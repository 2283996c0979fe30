/** Kernel files as tests want them: small, sound, and wrapped in whatever kernels are wrapped in. */
import { gzipSync } from 'node:zlib';
import { encodeText } from '../binary/text.ts';

export type BuiltKernel = { readonly release?: string; readonly signed?: boolean };

const sectorBytes = 512;

/** A bzImage of eight sectors: boot sector, three of set-up code, four of "compressed kernel". */
export function buildBzImage({ release = '6.1.0-test', signed = false }: BuiltKernel = {}): Uint8Array {
  const bytes = new Uint8Array(8 * sectorBytes);
  const view = viewOf(bytes);
  bytes[0x1f1] = 3;
  view.setUint32(0x1f4, (4 * sectorBytes) / 16, true);
  view.setUint16(0x1fe, 0xaa55, true);
  bytes.set(encodeText('HdrS'), 0x202);
  view.setUint16(0x206, 0x20f, true);
  view.setUint16(0x20e, 0x300, true);
  bytes.set(encodeText(`${release} (builder@host) #1 SMP\0`), 0x500);
  bytes[0x211] = 1;
  bytes[0x234] = 1;
  view.setUint16(0x236, 0x7f, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x260, 48 * 1024 * 1024, true);
  if (!signed) return bytes;
  return addPe(bytes, { machine: 0x8664, peAt: 0x40, signed: true, sections: [] });
}

/** An arm64 Image with its banner. */
export function buildArm64Image({ release = '6.1.0-test', signed = false }: BuiltKernel = {}): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = viewOf(bytes);
  view.setBigUint64(16, 32n * 1024n * 1024n, true);
  view.setBigUint64(24, 0xan, true);
  bytes.set(encodeText('ARM\x64'), 0x38);
  bytes.set(encodeText('Linux version %s\0Linux version '), 2048);
  bytes.set(encodeText(`${release} (builder@host) #1\0`), 2048 + 31);
  return addPe(bytes, { machine: 0xaa64, peAt: 0x80, signed, sections: [{ name: '.text', offset: 1024, sizeBytes: 3072 }] });
}

export type ZbootOptions = { readonly codec: string; readonly payload: Uint8Array; readonly trailer?: Uint8Array };

/** An EFI zboot image around a payload that is compressed already. */
export function buildZboot({ codec, payload, trailer = new Uint8Array(0) }: ZbootOptions): Uint8Array {
  const bytes = new Uint8Array(1024 + payload.length + trailer.length);
  const view = viewOf(bytes);
  bytes.set(encodeText('MZ\0\0zimg'));
  view.setUint32(8, 1024, true);
  view.setUint32(12, payload.length, true);
  bytes.set(encodeText(`${codec}\0`), 24);
  bytes.set(payload, 1024);
  bytes.set(trailer, 1024 + payload.length);
  return addPe(bytes, { machine: 0xaa64, peAt: 0x40, signed: false, sections: [] });
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(gzipSync(bytes));
}

/** A unified kernel image: an EFI program with the kernel and its release in sections. */
export function buildUki(kernel: Uint8Array, { release = '6.1.0-test', signed = false }: BuiltKernel = {}): Uint8Array {
  const uname = encodeText(release);
  const bytes = new Uint8Array(1024 + 512 + kernel.length);
  bytes.set(encodeText('MZ'));
  bytes.set(uname, 1024);
  bytes.set(kernel, 1536);
  const sections = [
    { name: '.uname', offset: 1024, sizeBytes: uname.length },
    { name: '.linux', offset: 1536, sizeBytes: kernel.length },
  ];
  return addPe(bytes, { machine: 0x8664, peAt: 0x80, signed, sections });
}

type PeParts = {
  readonly machine: number;
  readonly peAt: number;
  readonly signed: boolean;
  readonly sections: readonly { readonly name: string; readonly offset: number; readonly sizeBytes: number }[];
};

const optionalBytes = 160;

/** Puts PE headers into bytes that have room for them, and a certificate table behind. */
function addPe(bytes: Uint8Array, { machine, peAt, signed, sections }: PeParts): Uint8Array {
  const certificate = signed ? new Uint8Array(64) : new Uint8Array(0);
  const all = new Uint8Array(bytes.length + certificate.length);
  all.set(bytes);
  const view = viewOf(all);
  all.set(encodeText('MZ'));
  view.setUint32(0x3c, peAt, true);
  all.set(encodeText('PE\0\0'), peAt);
  view.setUint16(peAt + 4, machine, true);
  view.setUint16(peAt + 6, sections.length, true);
  view.setUint16(peAt + 20, optionalBytes, true);
  view.setUint16(peAt + 24, 0x20b, true);
  if (signed) {
    view.setUint32(peAt + 24 + 112 + 32, bytes.length, true);
    view.setUint32(peAt + 24 + 112 + 36, certificate.length, true);
    view.setUint32(bytes.length, certificate.length, true);
    view.setUint16(bytes.length + 4, 0x200, true);
    view.setUint16(bytes.length + 6, 2, true);
  }
  for (const [index, { name, offset, sizeBytes }] of sections.entries()) {
    const at = peAt + 24 + optionalBytes + index * 40;
    all.set(encodeText(name), at);
    view.setUint32(at + 8, sizeBytes, true);
    view.setUint32(at + 16, sizeBytes, true);
    view.setUint32(at + 20, offset, true);
  }
  return all;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
