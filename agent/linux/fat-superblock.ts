/**
 * FAT's boot sector: serial number and label. The label that counts is the one in the root folder; the boot sector's copy may be stale.
 *
 * @source uapi/linux/msdos_fs.h; Microsoft, FAT32 File System Specification.
 */
import { decodeText } from '../binary/text.ts';
import type { ReadBytes, Superblock } from './superblock.ts';
import { holdsText, littleEndian } from './superblock-fields.ts';

const entryBytes = 32;
/** Of the root folder as much as is looked at for a label. */
const rootBytes = 16 * 1024;
const labelAttribute = 0x08;
const longNameAttribute = 0x0f;
const deletedMark = 0xe5;

/** @param boot the first sector, 512 bytes. */
export function fatSuperblock(boot: Uint8Array, read: ReadBytes): Superblock | undefined {
  const is32 = holdsText(boot, 82, 'FAT32   ');
  if (!is32 && !holdsText(boot, 54, 'FAT12   ') && !holdsText(boot, 54, 'FAT16   ') && !holdsText(boot, 54, 'FAT     ')) return undefined;
  if (littleEndian(boot, 510, 2) !== 0xaa55) return undefined;
  const serial = littleEndian(boot, is32 ? 67 : 39, 4)
    .toString(16)
    .toUpperCase()
    .padStart(8, '0');
  const label = rootLabel(boot, is32, read);
  return { fsType: 'vfat', uuid: serial === '00000000' ? undefined : `${serial.slice(0, 4)}-${serial.slice(4)}`, label };
}

function rootLabel(boot: Uint8Array, is32: boolean, read: ReadBytes): string | undefined {
  const entries = read(rootOffset(boot, is32), rootBytes);
  for (let at = 0; at + entryBytes <= entries.length; at += entryBytes) {
    if (entries[at] === 0) return undefined;
    const attributes = entries[at + 11];
    if (entries[at] === deletedMark || attributes === longNameAttribute || (attributes & labelAttribute) === 0) continue;
    const label = decodeText(entries.subarray(at, at + 11)).trimEnd();
    return label === '' ? undefined : label;
  }
  return undefined;
}

function rootOffset(boot: Uint8Array, is32: boolean): number {
  const sectorBytes = littleEndian(boot, 11, 2);
  const reserved = littleEndian(boot, 14, 2);
  const tables = boot[16] * (is32 ? littleEndian(boot, 36, 4) : littleEndian(boot, 22, 2));
  const firstClusters = is32 ? Math.max(0, littleEndian(boot, 44, 4) - 2) * boot[13] : 0;
  return (reserved + tables + firstClusters) * sectorBytes;
}
