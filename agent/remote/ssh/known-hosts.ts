/**
 * The host keys that are pinned for a server, out of a known_hosts file as OpenSSH writes it.
 *
 * Keys signed by an authority (`@cert-authority`) are none of those: who they stand for shows only in a certificate, which is never asked for here.
 *
 * @source sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

const standardPort = 22;

export type PinnedKeys = {
  /** `ssh-ed25519 AAAA…`. */
  readonly trusted: readonly string[];
  /** Never trusted, whatever other lines say. */
  readonly revoked: readonly string[];
};

/** A port of its own has lines of its own; where there are none, those of the host count, as OpenSSH has it. */
export function findPinnedKeys(knownHosts: string, host: string, port: number): PinnedKeys {
  const entries = parseEntries(knownHosts);
  const find = (name: string, marker: string) =>
    entries.filter((entry) => entry.marker === marker && matches(entry.names, name)).map(({ key }) => key);
  const [full, bare] = [knownHostName(host, port), host.toLowerCase()];
  const revoked = [...find(full, '@revoked'), ...find(bare, '@revoked')];
  const own = find(full, '');
  const trusted = own.length > 0 ? own : find(bare, '');
  return { trusted: unique(trusted).filter((key) => !revoked.includes(key)), revoked: unique(revoked) };
}

/** Lines for a known_hosts file. */
export function formatKnownHosts(host: string, port: number, keys: readonly string[]): string {
  return keys.map((key) => `${knownHostName(host, port)} ${key}\n`).join('');
}

/** `SHA256:…`, as `ssh-keygen -l` shows it. @param key `ssh-ed25519 AAAA…` */
export function hostKeyFingerprint(key: string): string {
  const blob = Buffer.from(key.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function knownHostName(host: string, port: number): string {
  return port === standardPort ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

function unique(keys: readonly string[]): string[] {
  return [...new Set(keys)];
}

type Entry = { readonly marker: string; readonly names: string; readonly key: string };

/** Lines that cannot be understood pin nothing. */
function parseEntries(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    if (line.trim() === '' || words[0]?.startsWith('#')) return [];
    const marker = words[0]?.startsWith('@') ? (words.shift() ?? '') : '';
    const [names = '', type = '', base64 = ''] = words;
    const key = readKey(type, base64);
    return key === undefined ? [] : [{ marker, names, key }];
  });
}

/** The kind of key stands in the key once more. */
function readKey(type: string, base64: string): string | undefined {
  const blob = Buffer.from(base64, 'base64');
  if (blob.length < 4 || !/^[A-Za-z0-9+/]+=*$/.test(base64)) return undefined;
  const length = blob.readUInt32BE(0);
  if (length === 0 || length > 64 || blob.toString('latin1', 4, 4 + length) !== type) return undefined;
  return `${type} ${blob.toString('base64')}`;
}

/** A pattern behind `!` that matches wins over all others. */
function matches(names: string, host: string): boolean {
  if (names.startsWith('|')) return matchesHash(names, host);
  const patterns = names.toLowerCase().split(',');
  if (patterns.some((pattern) => pattern.startsWith('!') && matchesPattern(pattern.slice(1), host))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matchesPattern(pattern, host));
}

/** `|1|salt|HMAC-SHA1 of the name`. */
function matchesHash(text: string, host: string): boolean {
  const [, kind, salt = '', hash = ''] = text.split('|');
  const wanted = Buffer.from(hash, 'base64');
  if (kind !== '1' || wanted.length !== 20) return false;
  return timingSafeEqual(createHmac('sha1', Buffer.from(salt, 'base64')).update(host).digest(), wanted);
}

/** `*`: any characters, none too. `?`: one. Goes back to the last `*` alone, so that no pattern takes long. */
function matchesPattern(pattern: string, text: string): boolean {
  let [at, star, resume] = [0, -1, 0];
  let position = 0;
  while (position < text.length) {
    if (at < pattern.length && pattern[at] === '*') [star, resume, at] = [at, position, at + 1];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[position])) [at, position] = [at + 1, position + 1];
    else if (star >= 0) [at, resume, position] = [star + 1, resume + 1, resume + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
