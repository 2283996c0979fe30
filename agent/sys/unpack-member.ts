/** A deflated member of an archive as a file to read at random: unpacked into a temporary file without a name. */
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';
import { reasonOf } from './errno.ts';
import { openSlice } from './file-slice.ts';
import { requireCrc } from './zip-crc.ts';

const pieceBytes = 1024 * 1024;
/** Deflate cannot shrink data further: 258 bytes in two bits. A member that claims more lies. */
const maxRatio = 1032;
/** Left free for everybody else. */
const spareBytes = 64 * 1024 * 1024;

/**
 * @param packed the deflate stream.
 * @param open how this system opens a file.
 * @throws VmcoreError `vmcore/bad-archive` when the data is not `sizeBytes` long or has another checksum, `vmcore/io` when no folder has
 *   room for it.
 */
export async function unpackMember(
  packed: MemoryFile,
  sizeBytes: number,
  crc: number,
  open: (path: string) => MemoryFile,
  onProgress?: (done: number, total: number) => void,
): Promise<MemoryFile> {
  if (sizeBytes > (packed.sizeBytes + 1) * maxRatio) {
    throw damaged(packed.path, `${packed.sizeBytes} packed bytes cannot hold the ${sizeBytes} it claims`);
  }
  const fd = createNameless(packed.path, sizeBytes);
  const target = { fd, sizeBytes, crc, name: packed.path };
  // A pipeline whose end throws may reject with "aborted" instead, so the reason is kept here.
  let fault: unknown;
  try {
    await pipeline(
      Readable.from(pieces(packed)),
      createInflateRaw({ chunkSize: pieceBytes }),
      async (source: AsyncIterable<Uint8Array>) => {
        await collect(source, target, onProgress).catch((error: unknown) => {
          fault = error;
          throw error;
        });
      },
    );
    // The file has no name any more; /proc opens it all the same.
    return openSlice(open(`/proc/self/fd/${fd}`), 0, sizeBytes, packed.path);
  } catch (error) {
    const reason = fault ?? error;
    throw reason instanceof VmcoreError ? reason : damaged(packed.path, reasonOf(reason), reason);
  } finally {
    closeSync(fd);
  }
}

type Target = { readonly fd: number; readonly sizeBytes: number; readonly crc: number; readonly name: string };

async function collect(
  source: AsyncIterable<Uint8Array>,
  target: Target,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const { fd, sizeBytes, crc, name } = target;
  let done = 0;
  let found = 0;
  for await (const piece of source) {
    if (done + piece.length > sizeBytes) throw damaged(name, `it holds more than the ${sizeBytes} bytes it claims`);
    writeAll(fd, piece, name);
    found = crc32(piece, found);
    done += piece.length;
    onProgress?.(done, sizeBytes);
  }
  if (done !== sizeBytes) throw damaged(name, `it ends after ${done} bytes, expected ${sizeBytes}`);
  requireCrc(name, found, crc);
}

/** The first bytes of a deflate stream of which only the beginning is at hand; none when it is no such stream. */
export function inflateStart(packed: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: packed.length * maxRatio + 1024 });
  } catch {
    return new Uint8Array(0);
  }
}

function* pieces(file: MemoryFile): Generator<Uint8Array> {
  for (let done = 0; done < file.sizeBytes; ) {
    const piece = new Uint8Array(Math.min(pieceBytes, file.sizeBytes - done));
    file.read(done, piece);
    done += piece.length;
    yield piece;
  }
}

/** A new file for reading and writing, of mode 0600 in a folder of mode 0700, whose name and folder are gone already. */
function createNameless(name: string, sizeBytes: number): number {
  const folder = mkdtempSync(join(findRoom(name, sizeBytes), 'kcapture-'));
  try {
    return openSync(join(folder, 'member'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first temporary folder with enough space. */
function findRoom(name: string, sizeBytes: number): string {
  for (const folder of [tmpdir(), '/var/tmp']) {
    try {
      const { bavail, bsize } = statfsSync(folder);
      if (bavail * bsize >= sizeBytes + spareBytes) return folder;
    } catch {
      // A folder that is not there has no room.
    }
  }
  throw new VmcoreError('vmcore/io', `Cannot unpack "${name}": neither "${tmpdir()}" nor "/var/tmp" has ${sizeBytes} bytes free`, {
    where: name,
    hint: 'Set TMPDIR to a folder with more space.',
  });
}

function writeAll(fd: number, bytes: Uint8Array, name: string): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
  } catch (cause) {
    throw new VmcoreError('vmcore/io', `Cannot unpack "${name}": ${reasonOf(cause)}`, { where: name, cause });
  }
}

function damaged(name: string, why: string, cause?: unknown): VmcoreError {
  return new VmcoreError('vmcore/bad-archive', `Cannot unpack "${name}": ${why}`, { where: name, cause });
}
