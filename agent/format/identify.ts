/** What a file is, by its first bytes: one of the dumps we read, or something else that has a name. */
import { encodeText } from '../binary/text.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { flattenedSignature } from './flattened/layout.ts';
import { diskdumpSignature, kdumpSignature } from './kdump/layout.ts';

export type DumpKind = 'elf' | 'kdump' | 'flattened';

export type Identity =
  | { readonly kind: DumpKind }
  /** `what` is a noun with its article; `hint` says what to do with such a file. */
  | { readonly kind: 'other'; readonly what: string; readonly hint?: string };

type Signature = readonly [bytes: Uint8Array, identity: Identity];

const hints = { unpack: 'Unpack it first' };
const signatures: readonly Signature[] = [
  [Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), { kind: 'elf' }],
  [encodeText(kdumpSignature), { kind: 'kdump' }],
  [encodeText(diskdumpSignature), { kind: 'kdump' }],
  [encodeText(`${flattenedSignature}\0`), { kind: 'flattened' }],
  [Uint8Array.of(0x1f, 0x8b), { kind: 'other', what: 'a gzip file', hint: hints.unpack }],
  [encodeText('PK\x03\x04'), { kind: 'other', what: 'a zip archive', hint: hints.unpack }],
  [Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00), { kind: 'other', what: 'an xz file', hint: hints.unpack }],
  [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), { kind: 'other', what: 'a zstd file', hint: hints.unpack }],
  [Uint8Array.of(0x04, 0x22, 0x4d, 0x18), { kind: 'other', what: 'an lz4 file', hint: hints.unpack }],
  [encodeText('BZh'), { kind: 'other', what: 'a bzip2 file', hint: hints.unpack }],
  [Uint8Array.of(0x89, 0x4c, 0x5a, 0x4f), { kind: 'other', what: 'an lzop file', hint: hints.unpack }],
  [Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c), { kind: 'other', what: 'a 7z archive', hint: hints.unpack }],
  [encodeText('PAGEDUMP'), { kind: 'other', what: 'a Windows crash dump' }],
  [encodeText('PAGEDU64'), { kind: 'other', what: 'a Windows crash dump' }],
  [encodeText('QEVM'), { kind: 'other', what: 'a QEMU migration stream', hint: 'Use dump-guest-memory instead' }],
];

/** Bytes that are looked at. */
const headBytes = 4096;

export function identify(file: MemoryFile): Identity {
  if (file.sizeBytes === 0) return { kind: 'other', what: 'an empty file' };
  const head = new Uint8Array(Math.min(headBytes, file.sizeBytes));
  file.read(0, head);
  for (const [bytes, identity] of signatures) if (bytes.every((byte, index) => head[index] === byte)) return identity;
  if (startsAt(head, 257, 'ustar')) return { kind: 'other', what: 'a tar archive', hint: hints.unpack };
  if (head.every((byte) => byte === 0)) return { kind: 'other', what: 'zeros', hint: 'A dump was probably never finished here' };
  if (head.every(isTextByte)) return { kind: 'other', what: 'a text file' };
  return { kind: 'other', what: 'data of an unknown kind' };
}

function startsAt(head: Uint8Array, offset: number, text: string): boolean {
  return encodeText(text).every((byte, index) => head[offset + index] === byte);
}

function isTextByte(byte: number): boolean {
  return (byte >= 0x20 && byte !== 0x7f) || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x1b;
}
