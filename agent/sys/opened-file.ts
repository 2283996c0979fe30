/**
 * An open file of known size, read with pread. In goes a path, out come bytes at offsets, or an error that names both.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import type { FileOffset } from '../binary/units.ts';
import { hex, MiB } from '../binary/units.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { formatDevice } from './device-number.ts';
import { codeOf, reasonOf } from './errno.ts';

/** One system call asks for no more; a larger read is done in several. */
const largestRead = 512 * MiB;

/** An open descriptor with what every reader of it needs. */
export type OpenedFile = { readonly fd: number; readonly path: string; readonly sizeBytes: number };

/**
 * Opens a regular file, a block device or a file such as `/proc/vmcore`, and finds its size.
 *
 * @throws VmcoreError `vmcore/open`: missing, a directory, a pipe or terminal, empty, not permitted.
 */
export function openForReading(path: string): OpenedFile {
  let fd: number;
  try {
    // O_NONBLOCK: a named pipe without a writer would block the open for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw new VmcoreError('vmcore/open', `Cannot open "${path}": ${reasonOf(cause)}`, { where: path, cause });
  }
  try {
    return { fd, path, sizeBytes: sizeOf(fd, path) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Reads at least `needed` and, when the system gives it willingly, up to `wanted` bytes from `offset` into `target` at `start`.
 * A fault beyond `needed` is nobody's concern yet and ends the reading quietly.
 *
 * @returns the bytes read.
 * @throws VmcoreError `vmcore/short-read`, `vmcore/io`.
 */
export function readBetween(
  file: OpenedFile,
  offset: FileOffset,
  target: Uint8Array,
  start: number,
  needed: number,
  wanted: number,
): number {
  let done = 0;
  while (done < wanted) {
    let count: number;
    try {
      count = readSync(file.fd, target, start + done, Math.min(wanted - done, largestRead), offset + done);
    } catch (cause) {
      if (done >= needed) break;
      if (codeOf(cause) === 'EINTR') continue;
      const where = `"${file.path}" at ${hex(offset + done)}`;
      throw new VmcoreError('vmcore/io', `Cannot read ${where}: ${reasonOf(cause)}`, { where, cause });
    }
    if (count === 0) {
      if (done >= needed) break;
      throw shortRead(file, offset, needed, offset + done);
    }
    done += count;
  }
  return done;
}

/** @throws VmcoreError `vmcore/short-read` unless `offset … offset + length` lies inside the file. */
export function checkInside(file: OpenedFile, offset: FileOffset, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= file.sizeBytes)) throw shortRead(file, offset, length, file.sizeBytes);
}

/** @throws VmcoreError `vmcore/io` when a window is asked for more than it holds. */
export function checkCapacity(file: OpenedFile, length: number, capacityBytes: number): void {
  if (length <= capacityBytes) return;
  throw new VmcoreError('vmcore/io', `Cannot show ${length} bytes of "${file.path}" at once: the window holds ${capacityBytes}`);
}

function sizeOf(fd: number, path: string): number {
  const stats = fstatSync(fd);
  if (!stats.isFile() && !stats.isBlockDevice()) {
    throw new VmcoreError('vmcore/open', `Cannot open "${path}": it is ${kindOf(stats)}, expected a file or a block device`, {
      where: path,
    });
  }
  const size = stats.isFile() ? stats.size : blockDeviceSize(stats.rdev, path);
  if (size > 0) return size;
  throw new VmcoreError('vmcore/open', `Cannot open "${path}": it is empty`, { where: path });
}

/** Bytes of a block device. @source sysfs: `/sys/dev/block/<major>:<minor>/size` counts 512-byte sectors whatever the device's block size */
function blockDeviceSize(rdev: number, path: string): number {
  const entry = `/sys/dev/block/${formatDevice(BigInt(rdev))}/size`;
  try {
    return Number(readFileSync(entry, 'latin1')) * 512;
  } catch (cause) {
    throw new VmcoreError('vmcore/open', `Cannot find the size of "${path}" in "${entry}": ${reasonOf(cause)}`, { where: path, cause });
  }
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory';
  if (stats.isCharacterDevice()) return 'a character device';
  return stats.isFIFO() ? 'a pipe' : 'a socket';
}

function shortRead(file: OpenedFile, offset: FileOffset, length: number, end: FileOffset): VmcoreError {
  const where = `"${file.path}" at ${hex(offset)}`;
  return new VmcoreError('vmcore/short-read', `Cannot read ${length} bytes of ${where}: the file ends at ${hex(end)}`, { where });
}
