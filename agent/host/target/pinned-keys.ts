/**
 * Host keys of a server in a file of OpenSSH's format.
 *
 * ```
 * [@marker ]HOSTS TYPE BASE64 [comment]
 * ```
 *
 * @source sshd(8), SSH_KNOWN_HOSTS FILE FORMAT
 */
import { createHmac } from 'node:crypto';
import type { RemotePlace, SshPlace } from '../../config/remote-place.ts';
import type { System } from '../../sys/system.ts';

const mostBytes = 1024 * 1024;

/** Keys that are pinned for the server of a place, `ssh-ed25519 AAAA…`; none for a place of another kind. @param path `undefined`: there is no file. */
export function findPinnedKeys({ files }: Pick<System, 'files'>, place: RemotePlace, path: string | undefined): readonly string[] {
  if (path === undefined || place.kind !== 'ssh') return [];
  const lines = (files.readTextIfThere(path, mostBytes) ?? '').split('\n').map((line) => line.trim().split(/\s+/));
  // Lines with a marker are for authorities and for keys that must never be trusted.
  return lines
    .filter(([hosts, , key]) => key !== undefined && !/^[#@]/.test(hosts) && matches(hosts, place))
    .map(([, type, key]) => `${type} ${key}`);
}

/** A line that pins a key. */
export function pinLine(place: SshPlace, hostKey: string): string {
  return `${nameOf(place)} ${hostKey}\n`;
}

function nameOf({ host, port }: SshPlace): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

function matches(hosts: string, place: SshPlace): boolean {
  const name = nameOf(place);
  const [, salt, hash] = /^\|1\|([^|]+)\|([^|]+)$/.exec(hosts) ?? [];
  if (salt !== undefined) return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  const patterns = hosts.split(',');
  return (
    patterns.some((pattern) => fits(pattern, name)) && !patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), name))
  );
}

/** `*` and `?` stand for whatever is there; nothing else is special. */
function fits(pattern: string, name: string): boolean {
  const expression = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('\\*', '.*')
    .replaceAll('\\?', '.');
  return new RegExp(`^${expression}$`, 'i').test(name);
}
