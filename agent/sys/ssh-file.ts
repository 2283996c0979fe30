/** A file on an ssh server, by SFTP. */
import type { SFTPWrapper } from 'ssh2';
import { KiB } from '../binary/units.ts';
import type { SshFile } from './network-interface.ts';
import { NetworkError } from './network-error.ts';
import { fileError, SshFileError, sftpStatus, statusOf } from './ssh-error.ts';
import type { SshRequests } from './ssh-requests.ts';

/** As much as OpenSSH takes in one message (`limits@openssh.com`: 255 KiB); for other servers ssh2 cuts it further. */
const pieceBytes = 255 * KiB;
/** Of the stall limit, for a server that writes tens of gigabytes from its memory to a slow disk; meanwhile it still has to answer that it lives. */
const syncPatience = 20;

export type OpenedFile = {
  readonly sftp: SFTPWrapper;
  readonly requests: SshRequests;
  readonly handle: Buffer;
  readonly path: string;
  /** Of the file system it lies on; SFTP has no word for a full disk. */
  readonly freeBytes: () => Promise<number | undefined>;
};

export function createSshFile({ sftp, requests, handle, path, freeBytes }: OpenedFile): SshFile {
  return {
    async write(offset, bytes) {
      const pieces: Promise<void>[] = [];
      for (let start = 0; start < bytes.length; start += pieceBytes) {
        const piece = asBuffer(bytes.subarray(start, start + pieceBytes));
        pieces.push(requests.ask((answer) => sftp.write(handle, piece, 0, piece.length, offset + start, answer)));
      }
      // All must have ended before the caller hears of it: the bytes are still read until then.
      for (const result of await Promise.allSettled(pieces))
        if (result.status === 'rejected') throw await writeError(result.reason, path, bytes.length, freeBytes);
    },

    async read(offset, length) {
      const into = Buffer.alloc(length);
      let filled = 0;
      while (filled < length) {
        const want = Math.min(pieceBytes, length - filled);
        const got = await readPiece(sftp, requests, { handle, path, into, at: filled, want, offset: offset + filled });
        if (got === 0) break;
        filled += got;
      }
      return into.subarray(0, filled);
    },

    async sync() {
      try {
        await requests.ask((answer) => sftp.ext_openssh_fsync(handle, answer), syncPatience);
        return true;
      } catch (cause) {
        if (cause instanceof NetworkError) throw cause;
        if (isUnsupported(cause)) return false;
        throw await writeError(cause, path, 0, freeBytes);
      }
    },

    async close() {
      try {
        await requests.ask((answer) => sftp.close(handle, answer));
      } catch (cause) {
        throw cause instanceof NetworkError ? cause : fileError(`close "${path}"`, path, cause);
      }
    },
  };
}

/** True when the server has no such extension: ssh2 says so before it asks, others answer so. */
export function isUnsupported(cause: unknown): boolean {
  if (statusOf(cause) === sftpStatus.unsupported) return true;
  return cause instanceof Error && /does not support this extended request/.test(cause.message);
}

/** The same memory as ssh2 wants it; shared memory too. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}

type Piece = {
  readonly handle: Buffer;
  readonly path: string;
  readonly into: Buffer;
  readonly at: number;
  readonly want: number;
  readonly offset: number;
};

/** @returns bytes that came, 0 at the end of the file. */
async function readPiece(sftp: SFTPWrapper, requests: SshRequests, { handle, path, into, at, want, offset }: Piece): Promise<number> {
  let count: unknown;
  try {
    count = await requests.ask<number>((answer) => sftp.read(handle, into, at, want, offset, answer));
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    if (statusOf(cause) === sftpStatus.endOfFile) return 0;
    throw fileError(`read "${path}" at ${offset}`, path, cause);
  }
  if (typeof count !== 'number' || !(count >= 0 && count <= want))
    throw new NetworkError(
      'network/protocol',
      `Cannot read "${path}" at ${offset}: the server sent ${String(count)} bytes, expected up to ${want}`,
    );
  return count;
}

/** A refused write is a full disk when there is no room for what was to be written. */
async function writeError(cause: unknown, path: string, wantBytes: number, freeBytes: () => Promise<number | undefined>): Promise<Error> {
  if (cause instanceof NetworkError) return cause;
  const error = fileError(`write "${path}"`, path, cause);
  if (error.code !== 'ssh/failure') return error;
  const free = await freeBytes().catch(() => undefined);
  if (free === undefined || free >= Math.max(wantBytes, pieceBytes)) return error;
  return new SshFileError('ssh/no-space', `Cannot write "${path}": no space is left on the server (${free} bytes)`, {
    where: path,
    hint: 'Make room on the server',
    cause,
  });
}
