/** Numeric addresses as text and as bytes in network order. @source RFC 4291, section 2.2; RFC 5952 */
import { isIP } from 'node:net';
import { LinuxError } from '../linux-error.ts';

/** @source linux/socket.h */
export const families = { inet: 2, inet6: 10 } as const;

/** Four or sixteen bytes; a zone (`%eth0`) is left out. @throws LinuxError `linux/bad-netlink` when it is no numeric address. */
export function parseIpAddress(text: string): Uint8Array {
  const [plain] = text.split('%');
  const version = isIP(plain);
  if (version === 4) return Uint8Array.from(plain.split('.'), Number);
  if (version === 6) return parseInet6(plain);
  throw new LinuxError(
    'linux/bad-netlink',
    `Cannot use "${text.slice(0, 60)}" as an address: expected one such as 192.0.2.7 or 2001:db8::7`,
  );
}

/** `isIP` has seen it. */
function parseInet6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
  const words = dotted === null ? text : `${dotted[1]}${pair(dotted[2], dotted[3])}:${pair(dotted[4], dotted[5])}`;
  const [before, after] = words.split('::').map((part) => part.split(':').filter((word) => word !== ''));
  const missing = after === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...(after ?? [])].map((word) => Number.parseInt(word, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** In the usual spelling; `undefined` unless it has four or sixteen bytes. */
export function formatIpAddress(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length === 4) return bytes.join('.');
  if (bytes?.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, at) => bytes[2 * at] * 256 + bytes[2 * at + 1]);
  const { start, length } = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    const next = groups.findIndex((group, at) => at >= start && group !== 0);
    const length = (next < 0 ? groups.length : next) - start;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** True when the first `prefixLength` bits of both are the same. @throws LinuxError `linux/bad-netlink` */
export function isInPrefix(address: string, prefix: string, prefixLength: number): boolean {
  const [a, b] = [parseIpAddress(address), parseIpAddress(prefix)];
  if (a.length !== b.length || prefixLength > a.length * 8) return false;
  return a.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefixLength - at * 8));
    return byte >> (8 - bits) === b[at] >> (8 - bits);
  });
}
