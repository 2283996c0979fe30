/**
 * The superblocks we know, as a table: where each lies, how long it is, what it says.
 *
 * A row's `parse` gets exactly `lengthBytes` bytes. Order matters: what encloses comes before what it encloses.
 *
 * @source Linux: fs/ext4/ext4.h, fs/xfs/libxfs/xfs_format.h, fs/btrfs (uapi/linux/btrfs_tree.h), include/linux/f2fs_fs.h,
 *   uapi/linux/msdos_fs.h, include/linux/swap.h, uapi/linux/raid/md_p.h, fs/squashfs/squashfs_fs.h, uapi/linux/minix_fs.h;
 *   the LUKS1 and LUKS2 on-disk format specifications; LVM2 lib/format_text/layout.h.
 */
import { decodeText } from '../binary/text.ts';
import { fatSuperblock } from './fat-superblock.ts';
import type { ReadBytes, Superblock } from './superblock.ts';
import { formatUuid, holdsText, littleEndian } from './superblock-fields.ts';

export type SuperblockKind = {
  readonly offsets: (sizeBytes: number) => readonly number[];
  readonly lengthBytes: number;
  readonly parse: (bytes: Uint8Array, read: ReadBytes) => Superblock | undefined;
};

const at =
  (...offsets: readonly number[]) =>
  () =>
    offsets;

export const superblockKinds: readonly SuperblockKind[] = [
  { offsets: at(0, 4096), lengthBytes: 256, parse: parseMd1 },
  { offsets: (size) => (size < 65536 ? [] : [Math.floor((size - 8192) / 4096) * 4096]), lengthBytes: 256, parse: parseMd1 },
  { offsets: (size) => (size < 131072 ? [] : [Math.floor(size / 65536) * 65536 - 65536]), lengthBytes: 128, parse: parseMd0 },
  { offsets: at(0), lengthBytes: 208, parse: parseLuks },
  { offsets: at(512, 0, 1024, 1536), lengthBytes: 512, parse: parseLvm },
  { offsets: at(0), lengthBytes: 120, parse: parseXfs },
  { offsets: at(1024), lengthBytes: 512, parse: parseExt },
  { offsets: at(65536), lengthBytes: 1024, parse: parseBtrfs },
  { offsets: at(1024, 4096 + 1024), lengthBytes: 1200, parse: parseF2fs },
  { offsets: at(0), lengthBytes: 65536, parse: parseSwap },
  { offsets: at(0), lengthBytes: 32768, parse: parseSwap },
  { offsets: at(0), lengthBytes: 16384, parse: parseSwap },
  { offsets: at(0), lengthBytes: 8192, parse: parseSwap },
  { offsets: at(0), lengthBytes: 4096, parse: parseSwap },
  { offsets: at(0), lengthBytes: 96, parse: parseSquashfs },
  { offsets: at(1024), lengthBytes: 32, parse: parseMinix },
  { offsets: at(0), lengthBytes: 512, parse: fatSuperblock },
];

const mdMagic = 0xa92b4efc;

function parseMd1(bytes: Uint8Array): Superblock | undefined {
  if (littleEndian(bytes, 0, 4) !== mdMagic || littleEndian(bytes, 4, 4) !== 1) return undefined;
  return { fsType: 'linux_raid_member', uuid: formatUuid(bytes, 16), label: text(bytes, 32, 32) };
}

/** Version 0.90 keeps its UUID as four words in two places. */
function parseMd0(bytes: Uint8Array): Superblock | undefined {
  if (littleEndian(bytes, 0, 4) !== mdMagic || littleEndian(bytes, 4, 4) !== 0) return undefined;
  const uuid = new Uint8Array(16);
  uuid.set(bytes.subarray(20, 24));
  uuid.set(bytes.subarray(52, 64), 4);
  return { fsType: 'linux_raid_member', uuid: formatUuid(uuid, 0), label: undefined };
}

function parseLuks(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, 0, 'LUKS\xba\xbe')) return undefined;
  const version = bytes[6] * 256 + bytes[7];
  if (version !== 1 && version !== 2) return undefined;
  return { fsType: 'crypto_LUKS', uuid: text(bytes, 168, 40), label: version === 2 ? text(bytes, 24, 48) : undefined };
}

function parseLvm(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, 0, 'LABELONE') || !holdsText(bytes, 24, 'LVM2 001')) return undefined;
  const offset = littleEndian(bytes, 20, 4);
  if (offset > bytes.length - 32) return undefined;
  const id = decodeText(bytes.subarray(offset, offset + 32));
  if (!/^[0-9A-Za-z!#]{32}$/.test(id)) return undefined;
  const uuid = id.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7');
  return { fsType: 'LVM2_member', uuid, label: undefined };
}

function parseXfs(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, 0, 'XFSB')) return undefined;
  return { fsType: 'xfs', uuid: formatUuid(bytes, 32), label: text(bytes, 108, 12) };
}

/** Features an ext3 driver knows; any other makes it ext4. */
const ext3Incompat = 0x0002 | 0x0004 | 0x0010;
const ext3ReadOnly = 0x0001 | 0x0002 | 0x0004;
const journalDevice = 0x0008;
const hasJournal = 0x0004;

function parseExt(bytes: Uint8Array): Superblock | undefined {
  if (littleEndian(bytes, 56, 2) !== 0xef53) return undefined;
  const [compatible, incompatible, readOnly] = [92, 96, 100].map((offset) => littleEndian(bytes, offset, 4));
  if ((incompatible & journalDevice) !== 0) return undefined;
  const isExt4 = (incompatible & ~ext3Incompat) !== 0 || (readOnly & ~ext3ReadOnly) !== 0;
  const fsType = isExt4 ? 'ext4' : (compatible & hasJournal) !== 0 ? 'ext3' : 'ext2';
  return { fsType, uuid: formatUuid(bytes, 104), label: text(bytes, 120, 16) };
}

function parseBtrfs(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, 64, '_BHRfS_M')) return undefined;
  return { fsType: 'btrfs', uuid: formatUuid(bytes, 32), label: text(bytes, 299, 256) };
}

function parseF2fs(bytes: Uint8Array): Superblock | undefined {
  if (littleEndian(bytes, 0, 4) !== 0xf2f52010) return undefined;
  const label = new TextDecoder('utf-16le').decode(bytes.slice(124, 124 + 1024)).split('\0')[0];
  return { fsType: 'f2fs', uuid: formatUuid(bytes, 108), label: label === '' ? undefined : label };
}

/** The mark stands at the end of the first page, whatever a page is on the machine that made it. */
function parseSwap(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, bytes.length - 10, 'SWAPSPACE2')) return undefined;
  return { fsType: 'swap', uuid: formatUuid(bytes, 1036), label: text(bytes, 1052, 16) };
}

function parseSquashfs(bytes: Uint8Array): Superblock | undefined {
  if (!holdsText(bytes, 0, 'hsqs') || littleEndian(bytes, 28, 2) !== 4) return undefined;
  return { fsType: 'squashfs', uuid: undefined, label: undefined };
}

const minixMagics = [0x137f, 0x138f, 0x2468, 0x2478];

function parseMinix(bytes: Uint8Array): Superblock | undefined {
  const isOld = minixMagics.includes(littleEndian(bytes, 16, 2));
  if (!isOld && littleEndian(bytes, 24, 2) !== 0x4d5a) return undefined;
  return { fsType: 'minix', uuid: undefined, label: undefined };
}

function text(bytes: Uint8Array, offset: number, length: number): string | undefined {
  const value = decodeText(bytes.subarray(offset, offset + length)).trimEnd();
  return value === '' ? undefined : value;
}
