/**
 * A partition's own UUID (PARTUUID), from the partition table of its disk: GPT's GUID, or the MBR's disk number with the partition's.
 *
 * @source UEFI specification, chapter 5; block/partitions/efi.h and msdos.c.
 */
import type { ReadBytes } from './superblock.ts';
import { formatGuid, holdsText, littleEndian } from './superblock-fields.ts';

const sectorSizes = [512, 4096];
/** GPT's entries are 128 bytes; the specification lets them grow by powers of two. */
const maxEntryBytes = 4096;

/**
 * @param read of the whole disk.
 * @param number of the partition, from 1, as in `/sys/class/block/sda1/partition`.
 * @returns as `blkid` prints it; `undefined` when the disk has no such partition.
 */
export function partitionUuid(read: ReadBytes, number: number): string | undefined {
  for (const sector of sectorSizes) {
    const header = read(sector, 92);
    if (header.length === 92 && holdsText(header, 0, 'EFI PART')) return gptUuid(header, sector, read, number);
  }
  return mbrUuid(read(0, 512), number);
}

function gptUuid(header: Uint8Array, sector: number, read: ReadBytes, number: number): string | undefined {
  const firstEntry = littleEndian(header, 72, 4) + littleEndian(header, 76, 4) * 2 ** 32;
  const count = littleEndian(header, 80, 4);
  const entryBytes = littleEndian(header, 84, 4);
  if (number < 1 || number > count || entryBytes < 128 || entryBytes > maxEntryBytes || firstEntry > 2 ** 40) return undefined;
  const entry = read(firstEntry * sector + (number - 1) * entryBytes, 128);
  return entry.length === 128 ? formatGuid(entry, 16) : undefined;
}

function mbrUuid(sector: Uint8Array, number: number): string | undefined {
  if (sector.length < 512 || littleEndian(sector, 510, 2) !== 0xaa55) return undefined;
  const disk = littleEndian(sector, 440, 4);
  if (disk === 0 || number < 1 || number > 255) return undefined;
  return `${disk.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`;
}
