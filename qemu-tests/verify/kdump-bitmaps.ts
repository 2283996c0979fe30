/**
 * The two bitmaps of a kdump-compressed file, read by a parser that shares nothing with the product.
 *
 * Block 0 holds the signature and at 428 block size, sub header blocks, bitmap blocks; block 1 the sub header with the dump level at 8 and
 * the highest page frame plus one at 96. Then both bitmaps follow, of equal size.
 */
import { closeSync, openSync, readSync } from 'node:fs';

export type KdumpBitmaps = {
  readonly dumpLevel: number;
  readonly endPfn: number;
  /** Bit set: the page frame exists. Bit 0 of byte 0 is page frame 0. */
  readonly exists: Buffer;
  /** Bit set: the file holds the page. */
  readonly holds: Buffer;
};

/** @throws Error when the file is not a kdump-compressed dump of version 6. */
export function readKdumpBitmaps(path: string): KdumpBitmaps {
  const fd = openSync(path, 'r');
  try {
    const header = readAt(fd, 0, 464);
    if (header.toString('latin1', 0, 8) !== 'KDUMP   ') throw new Error(`Cannot read the bitmaps of ${path}: no KDUMP signature`);
    if (header.readInt32LE(8) !== 6)
      throw new Error(`Cannot read the bitmaps of ${path}: header version ${header.readInt32LE(8)}, expected 6`);
    const blockSize = header.readInt32LE(428);
    const subHeaderBlocks = header.readInt32LE(432);
    const bitmapBytes = (header.readUInt32LE(436) / 2) * blockSize;
    const subHeader = readAt(fd, blockSize, 104);
    const start = (1 + subHeaderBlocks) * blockSize;
    return {
      dumpLevel: subHeader.readInt32LE(8),
      endPfn: Number(subHeader.readBigUInt64LE(96)),
      exists: readAt(fd, start, bitmapBytes),
      holds: readAt(fd, start + bitmapBytes, bitmapBytes),
    };
  } finally {
    closeSync(fd);
  }
}

export type BitmapDifference = { readonly onlyFirst: readonly number[]; readonly onlySecond: readonly number[] };

/** Page frames whose bit is set in one of two bitmaps only. */
export function compareBitmaps(first: Buffer, second: Buffer): BitmapDifference {
  if (first.length !== second.length) throw new Error(`Cannot compare bitmaps of ${first.length} and ${second.length} bytes`);
  const onlyFirst: number[] = [];
  const onlySecond: number[] = [];
  for (let index = 0; index < first.length; index += 1) {
    const differing = first[index] ^ second[index];
    if (differing === 0) continue;
    for (let bit = 0; bit < 8; bit += 1) {
      if ((differing & (1 << bit)) === 0) continue;
      (first[index] & (1 << bit) ? onlyFirst : onlySecond).push(index * 8 + bit);
    }
  }
  return { onlyFirst, onlySecond };
}

export function countSetBits(bitmap: Buffer): number {
  let count = 0;
  for (let byte of bitmap) for (; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

function readAt(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const found = readSync(fd, bytes, 0, length, position);
  if (found !== length) throw new Error(`Cannot read ${length} bytes at ${position}: the file has only ${found} more`);
  return bytes;
}
