/**
 * What a LUKS header says about opening it: cipher, and how much memory the key's derivation takes.
 *
 * @source LUKS1 On-Disk Format Specification 1.2.3; LUKS2 On-Disk Format Specification 1.1.1.
 */
import { decodeText } from '../binary/text.ts';
import type { System } from '../sys/system.ts';
import type { ReadBytes } from './superblock.ts';
import { holdsText } from './superblock-fields.ts';

export type LuksHeader = {
  readonly version: 1 | 2;
  /** As dm-crypt spells them, e.g. `aes-xts-plain64`; of the data and of the key slots. */
  readonly ciphers: readonly string[];
  /** Hash names, e.g. `sha256`. */
  readonly hashes: readonly string[];
  /** What the hungriest key slot needs while it is opened, bytes; small for PBKDF2. */
  readonly keyMemoryBytes: number;
  /** A layer of dm-integrity below the data. */
  readonly hasIntegrity: boolean;
};

const binaryHeaderBytes = 4096;
const maxHeaderBytes = 4 * 1024 * 1024;

/** `undefined` when there is no header that can be read. */
export function readLuksHeader({ files }: Pick<System, 'files'>, path: string): LuksHeader | undefined {
  try {
    return parseLuksHeader((offset, length) => files.readAt(path, offset, length));
  } catch {
    return undefined;
  }
}

export function parseLuksHeader(read: ReadBytes): LuksHeader | undefined {
  const bytes = read(0, binaryHeaderBytes);
  if (bytes.length < binaryHeaderBytes || !holdsText(bytes, 0, 'LUKS\xba\xbe')) return undefined;
  const version = bytes[6] * 256 + bytes[7];
  if (version === 1) return parseVersion1(bytes);
  if (version !== 2) return undefined;
  const headerBytes = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(8));
  if (!(headerBytes > binaryHeaderBytes && headerBytes <= maxHeaderBytes)) return undefined;
  return parseVersion2(decodeText(read(binaryHeaderBytes, headerBytes - binaryHeaderBytes)));
}

function parseVersion1(bytes: Uint8Array): LuksHeader {
  const [cipher, mode, hash] = [8, 40, 72].map((offset) => decodeText(bytes.subarray(offset, offset + 32)));
  return { version: 1, ciphers: [`${cipher}-${mode}`], hashes: [hash], keyMemoryBytes: 0, hasIntegrity: false };
}

/** Text out of a header may be anything: what is not of the expected type is left out. */
function parseVersion2(json: string): LuksHeader | undefined {
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch {
    return undefined;
  }
  const segments = members(header, 'segments');
  const slots = members(header, 'keyslots');
  const texts = (values: readonly unknown[]) => [...new Set(values.filter((value) => typeof value === 'string'))] as string[];
  const memoryKiB = slots.map((slot) => member(member(slot, 'kdf'), 'memory')).filter((value) => typeof value === 'number') as number[];
  return {
    version: 2,
    ciphers: texts([
      ...segments.map((part) => member(part, 'encryption')),
      ...slots.map((slot) => member(member(slot, 'area'), 'encryption')),
    ]),
    hashes: texts([
      ...slots.flatMap((slot) => [member(member(slot, 'af'), 'hash'), member(member(slot, 'kdf'), 'hash')]),
      ...members(header, 'digests').map((digest) => member(digest, 'hash')),
    ]),
    keyMemoryBytes: Math.max(0, ...memoryKiB) * 1024,
    hasIntegrity: segments.some((part) => member(part, 'integrity') !== undefined),
  };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function members(value: unknown, name: string): readonly unknown[] {
  const found = member(value, name);
  return typeof found === 'object' && found !== null ? Object.values(found) : [];
}
