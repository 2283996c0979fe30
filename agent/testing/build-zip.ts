/** Zip archives as tests want them: sound ones, and ones that lie. */
import { crc32, deflateRawSync } from 'node:zlib';
import { defineStruct } from '../binary/struct.ts';
import { encodeText } from '../binary/text.ts';
import { concatBytes } from './build-machine.ts';

export type ZipContent = {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly method?: 'stored' | 'deflated';
  /** Checksum and sizes only behind the data, as programs write that stream. */
  readonly streamed?: boolean;
  readonly encrypted?: boolean;
  /** What the directory says instead of the truth. */
  readonly crc?: number;
  readonly sizeBytes?: number;
  readonly methodNumber?: number;
};

const localHeader = defineStruct('local file header', 30, {
  signature: [0, 'u32'],
  version: [4, 'u16'],
  flags: [6, 'u16'],
  method: [8, 'u16'],
  time: [10, 'u32'],
  crc: [14, 'u32'],
  packed: [18, 'u32'],
  size: [22, 'u32'],
  nameBytes: [26, 'u16'],
  extraBytes: [28, 'u16'],
});

const directoryEntry = defineStruct('central directory header', 46, {
  signature: [0, 'u32'],
  madeBy: [4, 'u16'],
  version: [6, 'u16'],
  flags: [8, 'u16'],
  method: [10, 'u16'],
  time: [12, 'u32'],
  crc: [16, 'u32'],
  packed: [20, 'u32'],
  size: [24, 'u32'],
  nameBytes: [28, 'u16'],
  extraBytes: [30, 'u16'],
  commentBytes: [32, 'u16'],
  offset: [42, 'u32'],
});

const endRecord = defineStruct('end of central directory', 22, {
  signature: [0, 'u32'],
  diskEntries: [8, 'u16'],
  entries: [10, 'u16'],
  directoryBytes: [12, 'u32'],
  directoryOffset: [16, 'u32'],
});

const zip64Record = defineStruct('zip64 end of central directory', 56, {
  signature: [0, 'u32'],
  recordBytes: [4, 'u64'],
  diskEntries: [24, 'u64'],
  entries: [32, 'u64'],
  directoryBytes: [40, 'u64'],
  directoryOffset: [48, 'u64'],
});

const zip64Locator = defineStruct('zip64 locator', 20, { signature: [0, 'u32'], offset: [8, 'u64'], disks: [16, 'u32'] });

export function buildZip(contents: readonly ZipContent[], options: { readonly zip64?: boolean } = {}): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const content of contents) {
    const { local, entry } = buildMember(content, offset);
    parts.push(local);
    directory.push(entry);
    offset += local.length;
  }
  const entries = contents.length;
  const directoryBytes = directory.reduce((sum, entry) => sum + entry.length, 0);
  if (!options.zip64) {
    const end = endRecord.write({ signature: 0x06054b50, diskEntries: entries, entries, directoryBytes, directoryOffset: offset });
    return concatBytes([...parts, ...directory, end]);
  }
  const record = zip64Record.write({
    signature: 0x06064b50,
    recordBytes: 44n,
    diskEntries: BigInt(entries),
    entries: BigInt(entries),
    directoryBytes: BigInt(directoryBytes),
    directoryOffset: BigInt(offset),
  });
  const locator = zip64Locator.write({ signature: 0x07064b50, offset: BigInt(offset + directoryBytes), disks: 1 });
  const all = { diskEntries: 0xffff, entries: 0xffff, directoryBytes: 0xffffffff, directoryOffset: 0xffffffff };
  return concatBytes([...parts, ...directory, record, locator, endRecord.write({ signature: 0x06054b50, ...all })]);
}

function buildMember(content: ZipContent, offset: number): { local: Uint8Array; entry: Uint8Array } {
  const { bytes, method = 'deflated', streamed = false, encrypted = false } = content;
  const name = encodeText(content.name);
  const data = method === 'stored' ? bytes : deflateRawSync(bytes);
  const facts = {
    version: 20,
    flags: (streamed ? 8 : 0) | (encrypted ? 1 : 0),
    method: content.methodNumber ?? (method === 'stored' ? 0 : 8),
    time: 0x5a21_0000,
    crc: content.crc ?? crc32(bytes),
    packed: data.length,
    size: content.sizeBytes ?? bytes.length,
    nameBytes: name.length,
  };
  const later = streamed ? { crc: 0, packed: 0, size: 0 } : {};
  const local = localHeader.write({ signature: 0x04034b50, ...facts, ...later });
  const entry = directoryEntry.write({ signature: 0x02014b50, ...facts, offset });
  const descriptor = new Uint8Array(streamed ? 16 : 0);
  if (streamed) new Uint32Array(descriptor.buffer).set([0x08074b50, facts.crc, facts.packed, facts.size]);
  return { local: concatBytes([local, name, data, descriptor]), entry: concatBytes([entry, name]) };
}
