/** New content for a file: whole or not at all, also across a power cut. */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fsyncSync, lstatSync, openSync, renameSync, symlinkSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf } from './errno.ts';
import { FilesError } from './files-error.ts';
import { withOpenFile } from './read-file.ts';

/**
 * Makes a new file beside `place`, fills it, and puts it in the place of what is there: nothing, a file, or a link, which is not followed.
 *
 * @param shown the path for messages.
 * @throws FilesError `files/exists` when a folder or a device stands there; else what the system calls throw.
 */
export function replaceFile(place: string, shown: string, mode: number, fill: (fd: number) => void): void {
  checkReplaceable(place, shown);
  const fresh = besideName(place);
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const fd = openSync(fresh, flags, 0o600);
  try {
    try {
      fill(fd);
      keepMode(() => fchmodSync(fd, mode));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, place);
  } catch (cause) {
    removeQuietly(fresh);
    throw cause;
  }
  syncFolder(dirname(place));
}

/** A symbolic link in the place of nothing or of another link. @throws FilesError `files/exists` for anything else. */
export function replaceLink(target: string, place: string, shown: string): void {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there !== undefined && !there.isSymbolicLink()) throw occupied(shown, 'something else', 'a link');
  const fresh = besideName(place);
  symlinkSync(target, fresh);
  try {
    renameSync(fresh, place);
  } catch (cause) {
    removeQuietly(fresh);
    throw cause;
  }
  syncFolder(dirname(place));
}

/** fsync of a folder; a file system that has none for folders keeps its own promises. */
export function syncFolder(place: string): void {
  withOpenFile(place, (fd) => {
    try {
      fsyncSync(fd);
    } catch (cause) {
      if (codeOf(cause) !== 'EINVAL') throw cause;
    }
  });
}

/** Writes all of `bytes` at the descriptor's position. */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done, bytes.length - done);
    } catch (cause) {
      if (codeOf(cause) !== 'EINTR') throw cause;
    }
  }
}

/** Changes a mode where the file system has modes: FAT and some network file systems refuse all but their own. */
export function keepMode(change: () => void): void {
  try {
    change();
  } catch (cause) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(cause))) throw cause;
  }
}

function checkReplaceable(place: string, shown: string): void {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there === undefined || there.isFile() || there.isSymbolicLink()) return;
  throw occupied(shown, there.isDirectory() ? 'a folder' : 'a special file', 'a file');
}

function occupied(shown: string, what: string, wanted: string): FilesError {
  return new FilesError('files/exists', `Cannot replace "${shown}": it is ${what}, expected ${wanted}`, { where: shown });
}

function besideName(place: string): string {
  return join(dirname(place), `.${basename(place).slice(0, 200)}.${randomBytes(6).toString('hex')}`);
}

function removeQuietly(place: string): void {
  try {
    unlinkSync(place);
  } catch {}
}
