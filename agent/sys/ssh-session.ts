/** One ssh connection as the rooms see it: files by SFTP, and programs where the server lets us run any. */
import { posix } from 'node:path';
import type { Client, FileEntryWithStats, SFTPWrapper, Stats } from 'ssh2';
import type { RemoteStatus, SshFile, SshSession } from './network-interface.ts';
import { NetworkError } from './network-error.ts';
import { fileError, sftpStatus, statusOf } from './ssh-error.ts';
import { createSshFile, isUnsupported } from './ssh-file.ts';
import type { SshRequests } from './ssh-requests.ts';
import { runOverSsh } from './ssh-run.ts';

export type SshConnection = {
  readonly client: Client;
  readonly sftp: SFTPWrapper;
  readonly requests: SshRequests;
  readonly ended: Promise<void>;
  readonly end: () => void;
};

/** Bits of SSH_FXF in an OPEN. @source draft-ietf-secsh-filexfer-02 §6.3 */
const openFlags = { read: 1, update: 1 | 2, create: 1 | 2 | 8 | 0x20 } as const;
/** File types in the mode of a Stat. @source inode(7) */
const fileType = { mask: 0o170000, file: 0o100000, folder: 0o040000 } as const;
/** A folder with more names than this is none of ours. */
const mostNames = 100_000;
/** Pieces of a list without a name in them, one after another. */
const mostEmpty = 16;

type Answer<T> = (error: unknown, value?: T) => void;

export function createSshSession({ client, sftp, requests, ended, end }: SshConnection): SshSession {
  async function ask<T>(action: string, path: string, send: (answer: Answer<T>) => void): Promise<T> {
    try {
      return await requests.ask(send);
    } catch (cause) {
      throw cause instanceof NetworkError ? cause : fileError(`${action} "${path}"`, path, cause);
    }
  }

  async function status(path: string): Promise<RemoteStatus | undefined> {
    try {
      return statusFrom(await requests.ask<Stats>((answer) => sftp.stat(path, answer)), path);
    } catch (cause) {
      if (statusOf(cause) === sftpStatus.noSuchFile) return undefined;
      throw cause instanceof NetworkError ? cause : fileError(`look at "${path}"`, path, cause);
    }
  }

  async function freeBytes(path: string): Promise<number | undefined> {
    try {
      const info = await requests.ask<{ f_bavail?: unknown; f_frsize?: unknown }>((answer) => sftp.ext_openssh_statvfs(path, answer));
      const free = Number(info?.f_bavail) * Number(info?.f_frsize);
      return Number.isFinite(free) && free >= 0 ? free : undefined;
    } catch (cause) {
      if (cause instanceof NetworkError) throw cause;
      return undefined;
    }
  }

  const remove = (path: string) => ask<void>('remove', path, (answer) => sftp.unlink(path, answer));

  async function open(path: string, how: 'create' | 'update' | 'read'): Promise<SshFile> {
    if (how === 'create' && (await status(path)) !== undefined) await remove(path);
    const attributes = how === 'create' ? { mode: 0o600 } : {};
    const handle = await ask<Buffer>('open', path, (answer) => sftp.open(path, openFlags[how], attributes, answer));
    if (!Buffer.isBuffer(handle)) throw nonsense(`open "${path}"`);
    return createSshFile({ sftp, requests, handle, path, freeBytes: () => freeBytes(posix.dirname(path)) });
  }

  return {
    ended,
    status,
    freeBytes,
    remove,
    open,
    async list(path) {
      const handle = await ask<Buffer>('list', path, (answer) => sftp.opendir(path, answer));
      if (!Buffer.isBuffer(handle)) throw nonsense(`list "${path}"`);
      try {
        return await readNames(sftp, requests, handle, path);
      } finally {
        await ask<void>('close', path, (answer) => sftp.close(handle, answer));
      }
    },
    makeFolder: (path, mode) => ask<void>('make the folder', path, (answer) => sftp.mkdir(path, { mode }, answer)),
    async rename(from, to) {
      try {
        await requests.ask<void>((answer) => sftp.ext_openssh_rename(from, to, answer));
      } catch (cause) {
        if (cause instanceof NetworkError) throw cause;
        if (!isUnsupported(cause)) throw fileError(`rename "${from}" to "${to}"`, from, cause);
        // The plain rename of SFTP refuses a name that is taken.
        if ((await status(to)) !== undefined) await remove(to);
        await ask<void>('rename', from, (answer) => sftp.rename(from, to, answer));
      }
    },
    removeFolder: (path) => ask<void>('remove the folder', path, (answer) => sftp.rmdir(path, answer)),
    async realPath(path) {
      const found = await ask<string>('find', path, (answer) => sftp.realpath(path, answer));
      if (typeof found !== 'string' || !found.startsWith('/') || found.includes('\0')) throw nonsense(`find "${path}"`);
      return found;
    },
    run: (argv, timeoutMs) => runOverSsh(client, requests, argv, timeoutMs),
    end,
  };
}

/** Piece by piece, so that a server without end is noticed. */
async function readNames(sftp: SFTPWrapper, requests: SshRequests, handle: Buffer, path: string): Promise<string[]> {
  const names: string[] = [];
  for (let empty = 0; empty < mostEmpty && names.length <= mostNames; ) {
    const before = names.length;
    let entries: unknown;
    try {
      entries = await requests.ask<FileEntryWithStats[]>((answer) => sftp.readdir(handle, answer));
    } catch (cause) {
      if (statusOf(cause) === sftpStatus.endOfFile) return names;
      throw cause instanceof NetworkError ? cause : fileError(`list "${path}"`, path, cause);
    }
    // ssh2 leaves out "." and "..", so a piece may well be empty.
    if (!Array.isArray(entries)) break;
    for (const { filename } of entries) if (!/^\.{0,2}$|[/\0]/.test(filename)) names.push(filename);
    empty = names.length === before ? empty + 1 : 0;
  }
  throw nonsense(`list "${path}"`);
}

function statusFrom(stats: Stats | undefined, path: string): RemoteStatus {
  if (typeof stats?.mode !== 'number' || !Number.isSafeInteger(stats.size) || stats.size < 0) throw nonsense(`look at "${path}"`);
  const type = stats.mode & fileType.mask;
  return { kind: type === fileType.file ? 'file' : type === fileType.folder ? 'folder' : 'other', sizeBytes: stats.size };
}

function nonsense(action: string): NetworkError {
  return new NetworkError('network/protocol', `Cannot ${action}: the server's answer makes no sense`);
}
