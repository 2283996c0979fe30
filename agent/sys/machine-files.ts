/**
 * Files and folders of the machine by Node's own means, which Bun has too. Another root than `/` shows the product a tree as if it were the
 * whole machine.
 */
import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { encodeText } from '../binary/text.ts';
import { GiB, MiB } from '../binary/units.ts';
import { formatDevice } from './device-number.ts';
import { codeOf } from './errno.ts';
import { FilesError, filesError, isMissing } from './files-error.ts';
import type { FileKind, Files, FileStatus } from './files-interface.ts';
import { createPathMap } from './path-map.ts';
import { readAtOffset, readToEnd, withOpenFile } from './read-file.ts';
import { removeTree } from './remove-tree.ts';
import { keepMode, replaceFile, replaceLink, syncFolder, writeFully } from './replace-file.ts';

/** Tells the page cache that these bytes of an open file are not needed again. */
export type ForgetCached = (fd: number, offset: number, length: number) => void;

export type FilesOptions = {
  /** Absolute folder that is shown as `/`. */
  readonly root?: string;
  readonly forgetCached?: ForgetCached;
};

/** No file that is read whole is larger: kernels, images, lists. */
const largestFile = 2 * GiB - MiB;
const pieceBytes = 4 * MiB;
const workParents = ['/var/tmp', '/tmp', '/run'];

export function createFiles({ root = '/', forgetCached = () => {} }: FilesOptions = {}): Files {
  const paths = createPathMap(root);

  const files: Files = {
    status: (path) => attempt('look at', path, () => statusOf(statSync(paths.follow(path), { bigint: true, throwIfNoEntry: false }))),
    linkStatus: (path) => attempt('look at', path, () => statusOf(lstatSync(paths.itself(path), { bigint: true, throwIfNoEntry: false }))),
    readLink: (path) => attemptOr(undefined, 'read the link', path, ['EINVAL'], () => readlinkSync(paths.itself(path))),
    realPath: (path) => attemptOr(undefined, 'resolve', path, [], () => paths.back(realpathSync.native(paths.follow(path)))),
    list: (path) => attemptOr([], 'list', path, [], () => readdirSync(paths.follow(path)).sort()),
    readBytes: (path) =>
      attempt('read', path, () => withOpenFile(paths.follow(path), (fd) => checkLength(path, readToEnd(fd, largestFile + 1)))),
    readTextIfThere(path, maxBytes = 16 * MiB) {
      try {
        return withOpenFile(paths.follow(path), (fd) => new TextDecoder().decode(readToEnd(fd, maxBytes)));
      } catch (cause) {
        if (isUnreadable(path, cause)) return undefined;
        throw filesError(`read "${path}"`, path, cause);
      }
    },
    readAt: (path, offset, length) =>
      attempt('read', path, () => {
        const target = new Uint8Array(checkRange(path, offset, length));
        return target.subarray(
          0,
          withOpenFile(paths.follow(path), (fd) => readAtOffset(fd, target, offset)),
        );
      }),
    makeFolder: (path, mode) => attempt('make the folder', path, () => makeFolder(paths.follow(path), mode)),
    write: (path, content, mode = 0o644) =>
      attempt('write', path, () => replaceFile(paths.itself(path), path, mode, (fd) => writeFully(fd, bytesOf(content)))),
    writeExisting: (path, content) => attempt('write', path, () => writeOnce(paths.follow(path), path, bytesOf(content))),
    append: (path, content) => attempt('write', path, () => appendTo(paths.follow(path), bytesOf(content))),
    copy: (from, to, mode) =>
      attempt('read', from, () =>
        withOpenFile(paths.follow(from), (source) =>
          attempt(`write a copy of "${from}" to`, to, () =>
            replaceFile(paths.itself(to), to, mode ?? fstatSync(source).mode & 0o777, (fd) =>
              eachPiece(source, (piece) => writeFully(fd, piece)),
            ),
          ),
        ),
      ),
    link: (target, path) => attempt('link', path, () => replaceLink(target, paths.itself(path), path)),
    setMode: (path, mode) => attempt('change the mode of', path, () => chmodSync(paths.follow(path), mode)),
    remove: (path) => attempt('remove', path, () => removeOne(paths.itself(path))),
    removeTree: (path) => attempt('remove', path, () => removeTree(checkNoRoot(path, paths.itself(path), root))),
    makeWorkFolder() {
      for (const parent of workParents) {
        try {
          return paths.back(mkdtempSync(`${paths.follow(parent)}/kcapture-`));
        } catch {}
      }
      files.makeFolder('/run');
      return attempt('make a folder in', '/run', () => paths.back(mkdtempSync(`${paths.follow('/run')}/kcapture-`)));
    },
    sync: (path) =>
      attempt('sync', path, () => {
        const place = paths.follow(path);
        if (statSync(place).isDirectory()) syncFolder(place);
        else withOpenFile(place, fsyncSync);
      }),
    space: (path) =>
      attempt('find the space of', path, () => {
        const facts: { bsize: number; frsize?: number; blocks: number; bfree: number } = statfsSync(paths.follow(path));
        const unit = facts.frsize ?? facts.bsize;
        return { totalBytes: facts.blocks * unit, freeBytes: facts.bfree * unit };
      }),
    sha256: (path, onBytes) =>
      attempt('read', path, () =>
        withOpenFile(paths.follow(path), (fd) => {
          const hash = createHash('sha256');
          eachPiece(fd, (piece, offset) => {
            hash.update(piece);
            forgetCached(fd, offset, piece.length);
            onBytes?.(offset + piece.length);
          });
          return hash.digest('hex');
        }),
      ),
  };
  return files;
}

function attempt<T>(verb: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw filesError(`${verb} "${path}"`, path, cause);
  }
}

/** What is missing, or fails with one of `codes`, gives `other`. */
function attemptOr<T>(other: T, verb: string, path: string, codes: readonly string[], action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (isMissing(cause) || codes.includes(codeOf(cause))) return other;
    throw filesError(`${verb} "${path}"`, path, cause);
  }
}

function statusOf(stats: BigIntStats | undefined): FileStatus | undefined {
  if (stats === undefined) return undefined;
  return {
    kind: kindOf(stats),
    sizeBytes: Number(stats.size),
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    modifiedMs: Number(stats.mtimeMs),
    device: formatDevice(stats.dev),
    ownDevice: stats.isBlockDevice() || stats.isCharacterDevice() ? formatDevice(stats.rdev) : '',
  };
}

function kindOf(stats: BigIntStats): FileKind {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isBlockDevice()) return 'block';
  return stats.isCharacterDevice() ? 'character' : 'other';
}

/** Attributes of devices answer with many errors of their own; a failing disk and a lack of means are nobody's "not there". */
function isUnreadable(path: string, cause: unknown): boolean {
  if (cause instanceof FilesError) return false;
  const code = codeOf(cause);
  if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') return false;
  return code !== 'EIO' || path.startsWith('/sys/') || path.startsWith('/proc/');
}

function checkLength(path: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length <= largestFile) return bytes;
  throw new FilesError('files/io', `Cannot read "${path}": more than ${largestFile} bytes`, { where: path });
}

function checkRange(path: string, offset: number, length: number): number {
  if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(length) && length >= 0 && length <= largestFile) return length;
  throw new FilesError('files/io', `Cannot read ${length} bytes of "${path}" at ${offset}`, { where: path });
}

function checkNoRoot(path: string, place: string, root: string): string {
  if (realpathIfThere(place) !== realpathSync(root)) return place;
  throw new FilesError('files/io', `Cannot remove "${path}": it is the root of all files`, { where: path });
}

function realpathIfThere(place: string): string | undefined {
  try {
    return realpathSync(place);
  } catch {
    return undefined;
  }
}

/** The mode is as told whatever the umask says. */
function makeFolder(place: string, mode = 0o755): void {
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(place) !== place) makeFolder(dirname(place));
  try {
    mkdirSync(place, { mode });
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST' && statSync(place).isDirectory()) return;
    throw cause;
  }
  keepMode(() => chmodSync(place, mode));
}

/** O_TRUNC: what is shorter than before leaves no rest in an ordinary file; attributes and devices do not care. */
function writeOnce(place: string, path: string, bytes: Uint8Array): void {
  if (statSync(place).isFIFO()) throw new FilesError('files/io', `Cannot write "${path}": it is a pipe`, { where: path });
  const fd = openSync(place, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOCTTY);
  try {
    const count = writeSync(fd, bytes);
    if (count < bytes.length)
      throw new FilesError('files/io', `Cannot write "${path}": ${count} of ${bytes.length} bytes were taken`, { where: path });
  } finally {
    closeSync(fd);
  }
}

function appendTo(place: string, bytes: Uint8Array): void {
  const fd = openSync(place, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOCTTY, 0o600);
  try {
    writeFully(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function removeOne(place: string): void {
  const there = lstatSync(place, { throwIfNoEntry: false });
  if (there?.isDirectory()) rmdirSync(place);
  else if (there !== undefined) unlinkSync(place);
}

function eachPiece(fd: number, use: (piece: Uint8Array, offset: number) => void): void {
  const buffer = new Uint8Array(pieceBytes);
  for (let offset = 0; ; ) {
    const count = readAtOffset(fd, buffer, offset);
    if (count === 0) return;
    use(buffer.subarray(0, count), offset);
    offset += count;
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? encodeText(content) : content;
}
