/** The checksum of a zip member. */
import { crc32 } from 'node:zlib';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';

const pieceBytes = 1024 * 1024;

/**
 * Reads all of `file` and compares its CRC-32.
 * @throws VmcoreError `vmcore/bad-archive`, `vmcore/short-read`.
 */
export function checkCrc(file: MemoryFile, expected: number, onProgress?: (done: number, total: number) => void): void {
  const bytes = new Uint8Array(Math.min(pieceBytes, file.sizeBytes));
  let crc = 0;
  for (let done = 0; done < file.sizeBytes; ) {
    const piece = bytes.subarray(0, Math.min(bytes.length, file.sizeBytes - done));
    file.read(done, piece);
    crc = crc32(piece, crc);
    done += piece.length;
    onProgress?.(done, file.sizeBytes);
  }
  requireCrc(file.path, crc, expected);
}

/** @throws VmcoreError `vmcore/bad-archive` */
export function requireCrc(name: string, found: number, expected: number): void {
  if (found === expected) return;
  const figures = `checksum ${found.toString(16)}, expected ${expected.toString(16)}`;
  throw new VmcoreError('vmcore/bad-archive', `Cannot use "${name}": ${figures}; the archive is damaged`, { where: name });
}
