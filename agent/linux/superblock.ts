/**
 * What a block device holds, told by its superblock: file system or layer, UUID and label in the spelling of `blkid`.
 *
 * Comes in: a device or an image file, a few KiB at a time. Goes out: plain text, or `undefined` when no superblock is known. No udev,
 * no blkid: neither need be in the capture kernel. Layers (RAID, encryption, LVM) win over a file system whose superblock shows through.
 */
import type { System } from '../sys/system.ts';
import { type SuperblockKind, superblockKinds } from './superblock-kinds.ts';

export type Superblock = {
  /** As `blkid` prints TYPE: `ext4`, `xfs`, `crypto_LUKS`, `LVM2_member`, `linux_raid_member`, … */
  readonly fsType: string;
  readonly uuid: string | undefined;
  readonly label: string | undefined;
};

/** Bytes of a device from an offset, fewer at its end. */
export type ReadBytes = (offset: number, length: number) => Uint8Array;

/**
 * The superblock of a device or image file; `undefined` when there is none we know, or when the device cannot be read.
 *
 * @param sizeBytes of the device; without it, superblocks that lie at a device's end are not seen.
 */
export function readSuperblock({ files }: Pick<System, 'files'>, path: string, sizeBytes?: number): Superblock | undefined {
  return probeSuperblock((offset, length) => {
    try {
      return files.readAt(path, offset, length);
    } catch {
      return new Uint8Array(0);
    }
  }, sizeBytes);
}

export function probeSuperblock(read: ReadBytes, sizeBytes = 0): Superblock | undefined {
  for (const kind of superblockKinds) {
    const found = probeKind(kind, read, sizeBytes);
    if (found !== undefined) return found;
  }
  return undefined;
}

function probeKind(kind: SuperblockKind, read: ReadBytes, sizeBytes: number): Superblock | undefined {
  for (const offset of kind.offsets(sizeBytes)) {
    const bytes = read(offset, kind.lengthBytes);
    if (bytes.length < kind.lengthBytes) continue;
    const found = kind.parse(bytes, read);
    if (found !== undefined) return found;
  }
  return undefined;
}
