/**
 * The parts of the URL of a target, as written. Stricter than a browser: what is repaired in silence there is an error here.
 *
 * A URL may hold a password by mistake. No message repeats anything of it but its scheme and a host that is one.
 *
 * @source RFC 3986; RFC 6874 (zones of IPv6 addresses)
 */
import { isIPv4, isIPv6 } from 'node:net';
import { badValue } from './config-error.ts';

export type UrlParts = {
  readonly scheme: string;
  /** Before the `@`, percent-encoded. */
  readonly user: string | undefined;
  /** Small letters; an IPv6 address without brackets, its zone behind `%`. Of `s3:` the bucket as written, unchecked. */
  readonly host: string;
  readonly port: number | undefined;
  /** Percent-encoded; empty, or begins with a slash. */
  readonly path: string;
  /** Decoded; `undefined`: no `?`. */
  readonly query: readonly (readonly [name: string, value: string])[] | undefined;
};

const longestUrl = 2048;
const longestHost = 253;

/** @throws ConfigError `config/value` */
export function splitUrl(text: string): UrlParts {
  if (text.length > longestUrl) throw badValue(`Cannot use a URL of ${text.length} characters: expected at most ${longestUrl}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
  if (/[\u0000-\u0020\u007f"<>\\^`{|}]/.test(text)) {
    throw badValue(
      'Cannot use this URL: there is a character in it that no URL has',
      'Write it percent-encoded, for instance %20 for a blank',
    );
  }
  const [, scheme, authority, path, query, fragment] =
    text.match(/^([A-Za-z][A-Za-z0-9+.-]{0,20}):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(#.*)?$/) ?? [];
  if (scheme === undefined)
    throw badValue('Cannot use this as a URL: expected SCHEME://HOST/PATH', 'Write for instance ssh://user@my.server.com/var/crash');
  if (fragment !== undefined)
    throw badValue('Cannot use this URL: nothing may follow "#"', 'A "#" that belongs to the path is written %23');
  const at = authority.lastIndexOf('@');
  const { host, port } = readHostAndPort(authority.slice(at + 1), scheme.toLowerCase() === 's3');
  return {
    scheme: scheme.toLowerCase(),
    user: at < 0 ? undefined : authority.slice(0, at),
    host,
    port,
    path,
    query: query === undefined ? undefined : readQuery(query),
  };
}

/** @param isBucket what stands there is no host: the name is left as it is, for the one who knows about buckets. */
function readHostAndPort(text: string, isBucket: boolean): { host: string; port: number | undefined } {
  if (isIPv6(text)) throw badValue('Cannot use this URL: its host is an IPv6 address without brackets', `Write [${text}]`);
  const [, bracketed, name, digits] = text.match(/^(?:\[([^\]]*)\]|([^:[\]]*))(?::(.*))?$/) ?? [];
  if (bracketed === undefined && name === undefined) throw badValue('Cannot use this URL: its host is none');
  const port = digits === undefined ? undefined : readPort(digits);
  if (bracketed !== undefined) return { host: checkBracketed(bracketed), port };
  return { host: isBucket ? name : checkHostName(name), port };
}

function readPort(digits: string): number {
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0;
  if (port >= 1 && port <= 65535) return port;
  throw badValue('Cannot use the port of this URL: expected a number from 1 to 65535', 'Without a port there is no colon behind the host');
}

function checkBracketed(text: string): string {
  const address = text.replace('%25', '%').toLowerCase();
  const [, plain, zone] = address.match(/^([^%]*)(?:%([\w.-]{1,15}))?$/) ?? [];
  if (plain === undefined || !isIPv6(plain)) throw badValue('Cannot use what stands in brackets as a host: expected an IPv6 address');
  // A zone is the name of a link, in which capitals count.
  return zone === undefined ? plain : `${plain}%${text.slice(-zone.length)}`;
}

/** A name, or an address without brackets; small letters. @throws ConfigError `config/value` without the text: it may be a secret in a wrong place. */
export function checkHostName(text: string): string {
  const host = text.toLowerCase();
  if (/^[\d.]+$/.test(host)) {
    if (isIPv4(host)) return host;
    throw badValue('Cannot use this host: expected a name or four numbers up to 255');
  }
  const isName = host.length <= longestHost && /^[a-z0-9_]([\w-]{0,62})(\.[a-z0-9_][\w-]{0,62})*\.?$/.test(host);
  if (isName) return host;
  const hint = /[^ -~]|%/.test(host) ? 'Write a name with other letters as the name server knows it: xn--…' : undefined;
  throw badValue(host === '' ? 'Cannot use this URL: it names no host' : 'Cannot use this host: expected a name or an address', hint);
}

function readQuery(query: string): [string, string][] {
  return query.split('&').map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw badValue('Cannot use what follows "?": expected NAME=VALUE, several parted by "&"');
    return [decodePart(pair.slice(0, equals)), decodePart(pair.slice(equals + 1))];
  });
}

/** What `%XX` stand for. @throws ConfigError for a `%` that is no code, for bytes that are no text, and for control characters. */
export function decodePart(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw badValue('Cannot use this URL: a "%" in it is not followed by the two digits of a character', 'A "%" itself is written %25');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
  if (/[\u0000-\u001f\u007f]/.test(decoded)) throw badValue('Cannot use this URL: it holds a control character');
  return decoded;
}

/**
 * A path's segments, decoded, without the empty ones at its ends.
 * @throws ConfigError for `.` and `..`, for an empty segment inside and for an encoded slash: servers disagree about what they mean.
 */
export function splitPath(path: string): string[] {
  const inner = path.replace(/^\//, '').replace(/\/$/, '');
  if (inner === '') return [];
  return inner.split('/').map((segment) => {
    const decoded = decodePart(segment);
    if (decoded === '') throw badValue('Cannot use this URL: there are two slashes in a row in its path');
    if (decoded === '.' || decoded === '..') throw badValue(`Cannot use this URL: its path must not go by "${decoded}"`);
    if (decoded.includes('/')) throw badValue('Cannot use this URL: there is an encoded slash in its path');
    return decoded;
  });
}

/** A decoded segment of a path as it stands in a URL. */
export function encodePart(text: string): string {
  const encoded = encodeURIComponent(text).replace(/'/g, '%27');
  return encoded.replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, (code) => decodeURIComponent(code));
}

/** A host as it stands in a URL: an IPv6 address in brackets. */
export function encodeHost(host: string): string {
  return host.includes(':') ? `[${host.replace('%', '%25')}]` : host;
}
