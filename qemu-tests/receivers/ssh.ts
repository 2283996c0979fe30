/** OpenSSH's server; guests get a key that it lets in, and compare its host key with what the administrator tells them. */
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Sshd, type SshdOptions, startSshd } from '../../agent/testing/servers/sshd.ts';
import { command } from '../command.ts';
import { filesBelow } from './files-below.ts';
import { hostName, type Receiver } from './receiver.ts';

export type SshReceiver = Receiver & {
  /** From now on somebody else answers in the server's place: the host key is another. */
  readonly impersonate: () => Promise<void>;
};

/** @param folder is there already. */
export async function receiveBySsh(folder: string, options: SshdOptions = {}): Promise<SshReceiver> {
  const server = await startSshd(folder, options);
  const keyPath = `/root/${basename(folder)}-key`;
  const place = options.smallDisk === undefined ? join(server.files, 'dumps') : '/dumps';
  const url = `ssh://${server.user}@${hostName}:${server.port}${place}`;
  return {
    target: `target ${url}`,
    files: { [keyPath]: server.privateKey },
    // The trial of a small disk fails: it streams more than fits.
    add: `chmod 600 ${keyPath} && kcapture target add --key ${keyPath} --host-key ${fingerprint(server.hostKeys[0])} ${url}${options.smallDisk === undefined ? '' : ' || true'}`,
    captures: () => (options.smallDisk === undefined ? place : fetched(folder, server, place)),
    root: server.files,
    leftOvers: () => filesBelow(place).filter((path) => path.endsWith('-incomplete')),
    secrets: server.privateKey.split('\n').filter((line) => line.length === 70),
    server,
    async impersonate() {
      const path = join(folder, 'host_ed25519');
      for (const file of [path, `${path}.pub`]) rmSync(file);
      command(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path]);
      await server.kill();
      await server.start();
    },
  };
}

/** A copy of what lies on a disk that only the server sees. */
function fetched(folder: string, { port, user }: Sshd, place: string): string {
  const copy = join(folder, 'fetched');
  const batch = join(folder, 'batch');
  mkdirSync(copy);
  writeFileSync(batch, `get -r -p ${place}/. ${copy}\n`);
  const options = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null'].flatMap((option) => ['-o', option]);
  command(['sftp', '-q', '-b', batch, '-P', `${port}`, '-i', join(folder, 'user'), ...options, `${user}@127.0.0.1`]);
  return copy;
}

/** As `ssh-keygen -l` prints it. */
function fingerprint(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(' ')[1], 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
