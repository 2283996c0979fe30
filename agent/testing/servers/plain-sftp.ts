/**
 * A small SFTP server without any extension, in this process: files of one folder, and answers that may be replaced by odd ones.
 *
 * For what OpenSSH's server never does: no way to sync, a rename that refuses names that are taken, nonsense.
 */
import { closeSync, existsSync, openSync, readdirSync, readSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import ssh2, { type SFTPWrapper } from 'ssh2';
import { makeKeyPair } from '../../remote/ssh/key-pair.ts';

export type PlainSftp = {
  readonly port: number;
  /** As in known_hosts. */
  readonly hostKey: string;
  close(): void;
};

/** Instead of the ordinary answer to that request, e.g. `STAT`. */
export type OddAnswers = Readonly<Record<string, (sftp: SFTPWrapper, id: number, ...parameters: never[]) => void>>;

const { OK, EOF, NO_SUCH_FILE, FAILURE } = ssh2.utils.sftp.STATUS_CODE;

/** Everybody may log in. Paths are those of this machine. */
export async function startPlainSftp(odd: OddAnswers = {}): Promise<PlainSftp> {
  const { privateKey, publicKey } = makeKeyPair('');
  const server = new ssh2.Server({ hostKeys: [privateKey] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (context) => context.accept());
    client.on('session', (accept) => accept().on('sftp', (acceptSftp) => serve(acceptSftp(), odd)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, hostKey: publicKey.trim(), close: () => void server.close() };
}

function serve(sftp: SFTPWrapper, odd: OddAnswers): void {
  const names = new Map<string, string[]>();
  const fd = (handle: Buffer) => Number(handle.toString());
  const attempt = (id: number, action: () => void) => {
    try {
      action();
      sftp.status(id, OK);
    } catch (error) {
      sftp.status(id, String(error).includes('ENOENT') ? NO_SUCH_FILE : FAILURE);
    }
  };
  const status = (id: number, path: string) => {
    if (!existsSync(path)) return sftp.status(id, NO_SUCH_FILE);
    const { mode, size } = statSync(path);
    sftp.attrs(id, { mode, size, uid: 0, gid: 0, atime: 0, mtime: 0 });
  };
  const handlers: Record<string, (id: number, ...parameters: never[]) => void> = {
    OPEN: (id, path: string, flags: number) => sftp.handle(id, Buffer.from(String(openSync(path, (flags & 8) > 0 ? 'wx+' : 'r+')))),
    WRITE: (id, handle: Buffer, offset: number, data: Buffer) => attempt(id, () => writeSync(fd(handle), data, 0, data.length, offset)),
    READ: (id, handle: Buffer, offset: number, length: number) => {
      const into = Buffer.alloc(length);
      const count = readSync(fd(handle), into, 0, length, offset);
      if (count === 0) sftp.status(id, EOF);
      else sftp.data(id, into.subarray(0, count));
    },
    CLOSE: (id, handle: Buffer) => attempt(id, () => names.delete(handle.toString()) || closeSync(fd(handle))),
    STAT: status,
    OPENDIR: (id, path: string) => {
      names.set(path, readdirSync(path));
      sftp.handle(id, Buffer.from(path));
    },
    READDIR: (id, handle: Buffer) => {
      const some = names.get(handle.toString())?.splice(0, 10) ?? [];
      if (some.length === 0) return sftp.status(id, EOF);
      sftp.name(
        id,
        some.map((filename) => ({
          filename,
          longname: filename,
          attrs: { mode: 0, size: 0, uid: 0, gid: 0, atime: 0, mtime: 0 },
        })) as never,
      );
    },
    REMOVE: (id, path: string) => attempt(id, () => unlinkSync(path)),
    RENAME: (id, from: string, to: string) => (existsSync(to) ? sftp.status(id, FAILURE) : attempt(id, () => renameSync(from, to))),
  };
  sftp.on('error', () => {});
  for (const [request, handler] of Object.entries(handlers))
    sftp.on(
      request as 'STAT',
      ((id: number, ...parameters: never[]) => {
        const replaced = odd[request];
        if (replaced === undefined) handler(id, ...parameters);
        else replaced(sftp, id, ...parameters);
      }) as never,
    );
}
