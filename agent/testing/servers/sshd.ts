/**
 * OpenSSH's server on a port of the loopback: its own host keys, one key that may log in, files in a folder of its own.
 *
 * It runs in a mount namespace of its own, with an empty `/run`: nothing of the machine's own server is used or changed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type ServerProcess, startServer } from './server-process.ts';

export type SshdOptions = {
  /** Of the host keys, as ssh-keygen calls them. Default: `ed25519`. */
  readonly hostKeyTypes?: readonly string[];
  /** Public key of the one who may log in. Default: that of `privateKey`. */
  readonly authorizedKey?: string;
  /** Nothing but SFTP. */
  readonly sftpOnly?: boolean;
  /** Puts the user into this folder, a file system of this size; what is in it is seen by SFTP alone. Nothing but SFTP. */
  readonly smallDisk?: { readonly sizeBytes: number };
  /** Further lines of its configuration. */
  readonly settings?: readonly string[];
  /** What the server shows as the id of its machine's start; the next `start` shows what the file says then. */
  readonly bootIdFile?: string;
};

export type Sshd = ServerProcess & {
  readonly port: number;
  /** The user to log in as; the one that runs the test. */
  readonly user: string;
  /** For the user, in OpenSSH's format. */
  readonly privateKey: string;
  /** One line a key, `ssh-ed25519 AAAA…`. */
  readonly hostKeys: readonly string[];
  /** As a client's known_hosts has them. */
  readonly knownHosts: string;
  /** An empty folder for what is sent; as the server sees it it has the same path, but with `smallDisk` it is `/`. */
  readonly files: string;
};

/** In the server's own `/run`: sshd wants a folder above which only root can write. */
const diskFolder = '/run/disk';

/** @param folder is there already, empty or from an earlier start: then the keys stay the same. */
export async function startSshd(folder: string, options: SshdOptions = {}): Promise<Sshd> {
  const port = await freePort();
  const files = join(folder, 'files');
  mkdirSync(files, { recursive: true });
  const hostKeyFiles = (options.hostKeyTypes ?? ['ed25519']).map((type) => makeKey(join(folder, `host_${type}`), type));
  const userKey = makeKey(join(folder, 'user'), 'ed25519');
  writeFileSync(join(folder, 'authorized_keys'), options.authorizedKey ?? readFileSync(`${userKey}.pub`, 'utf8'), { mode: 0o600 });
  const configuration = join(folder, 'sshd_config');
  writeFileSync(configuration, [...lines(folder, port, hostKeyFiles, options), ''].join('\n'));
  const server = await startServer({ argv: ['sh', '-c', start(options), 'sshd', configuration], port });
  const hostKeys = hostKeyFiles.map(publicKey);
  return {
    ...server,
    port,
    user: 'root',
    privateKey: readFileSync(userKey, 'utf8'),
    hostKeys,
    knownHosts: hostKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`).join(''),
    files: options.smallDisk === undefined ? files : '/',
  };
}

function start({ smallDisk, bootIdFile }: SshdOptions): string {
  const mounts = ['mount -t tmpfs -o mode=755 run /run', 'mkdir /run/sshd'];
  if (smallDisk !== undefined)
    mounts.push(`mkdir ${diskFolder}`, `mount -t tmpfs -o size=${smallDisk.sizeBytes},mode=755 disk ${diskFolder}`);
  if (bootIdFile !== undefined) mounts.push(`mount --bind '${bootIdFile}' /proc/sys/kernel/random/boot_id`);
  return [...mounts, 'exec /usr/sbin/sshd -D -e -f "$1"'].join(' && ');
}

function lines(folder: string, port: number, hostKeys: readonly string[], options: SshdOptions): string[] {
  const sftpOnly = options.sftpOnly === true || options.smallDisk !== undefined;
  return [
    ...hostKeys.map((path) => `HostKey ${path}`),
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PidFile none',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'UseDNS no',
    'PrintMotd no',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    ...(sftpOnly ? ['ForceCommand internal-sftp'] : []),
    ...(options.smallDisk === undefined ? [] : [`ChrootDirectory ${diskFolder}`]),
    ...(options.settings ?? []),
  ];
}

/** @returns the private key's file. */
function makeKey(path: string, type: string): string {
  if (existsSync(path)) return path;
  const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-C', 'test', '-f', path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`Cannot make a key: ${made.stderr}`);
  chmodSync(path, 0o600);
  return path;
}

function publicKey(path: string): string {
  return readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ').trim();
}
