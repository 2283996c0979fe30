/** How many pages a kdump-compressed dump holds, from its second bitmap alone: both programs' reports count in their own ways. */
import { closeSync, openSync, readSync } from 'node:fs';

const mainHeaderBytes = 464;
const at = { blockSize: 428, subHeaderBlocks: 432, bitmapBlocks: 436 } as const;

/**
 * Pages of zeros included.
 * @throws Error when the file is no such dump or ends inside its bitmap.
 */
export function countPages(path: string): number {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(mainHeaderBytes);
    readSync(file, header, 0, header.length, 0);
    if (header.toString('latin1', 0, 8) !== 'KDUMP   ')
      throw new Error(`Cannot count the pages of ${path}: it is no kdump-compressed dump`);
    const blockSize = header.readInt32LE(at.blockSize);
    const halfBytes = (header.readUInt32LE(at.bitmapBlocks) / 2) * blockSize;
    const bitmap = Buffer.alloc(halfBytes);
    const length = readSync(file, bitmap, 0, halfBytes, (1 + header.readInt32LE(at.subHeaderBlocks)) * blockSize + halfBytes);
    if (length !== halfBytes)
      throw new Error(`Cannot count the pages of ${path}: ${length} bytes of the bitmap left, expected ${halfBytes}`);
    let pages = 0;
    for (const byte of bitmap) for (let rest = byte; rest !== 0; rest &= rest - 1) pages++;
    return pages;
  } finally {
    closeSync(file);
  }
}
