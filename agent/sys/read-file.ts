/** Reading whole files and parts of them, also those of /proc and /sys, which do not know their size. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { KiB, MiB } from '../binary/units.ts';
import { codeOf } from './errno.ts';

/** Opens for reading, hands the descriptor on, and closes it. O_NONBLOCK: a named pipe without a writer would block for ever. */
export function withOpenFile<T>(place: string | Buffer, use: (fd: number) => T, flags = 0): T {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads from the present position to the end, or until `maxBytes` are there. */
export function readToEnd(fd: number, maxBytes: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let total = 0;
  for (let pieceBytes = 64 * KiB; total < maxBytes; pieceBytes = Math.min(pieceBytes * 2, 16 * MiB)) {
    const piece = new Uint8Array(Math.min(pieceBytes, maxBytes - total));
    const count = readSome(fd, piece, 0, null);
    if (count === 0) break;
    pieces.push(piece.subarray(0, count));
    total += count;
  }
  return Buffer.concat(pieces, total);
}

/** Fills `target` from a file offset. @returns the bytes read, fewer at the end of the file. */
export function readAtOffset(fd: number, target: Uint8Array, offset: number): number {
  let done = 0;
  while (done < target.length) {
    const count = readSome(fd, target, done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** One read(2); what has nothing to give now counts as ended. */
function readSome(fd: number, target: Uint8Array, start: number, offset: number | null): number {
  for (;;) {
    try {
      return readSync(fd, target, start, target.length - start, offset);
    } catch (cause) {
      const code = codeOf(cause);
      if (code === 'EAGAIN') return 0;
      if (code !== 'EINTR') throw cause;
    }
  }
}
