/** Numeric addresses as text and as bytes. @source RFC 4291, section 2.2; RFC 5952 */
import { isIP } from 'node:net';
import { NetworkUpError } from './network-up-error.ts';

/** Four or sixteen bytes. A zone (`%eth0`) is left out. @throws NetworkUpError `network-up/netlink` */
export function parseAddress(text: string): Uint8Array {
  const [plain] = text.split('%');
  const version = isIP(plain);
  if (version === 4) return Uint8Array.from(plain.split('.'), Number);
  if (version === 6) return parseVersion6(plain);
  throw new NetworkUpError(
    'network-up/netlink',
    `Cannot use "${text.slice(0, 60)}" as an address: expected one such as 192.0.2.7 or 2001:db8::7`,
  );
}

/** `isIP` has seen it. */
function parseVersion6(text: string): Uint8Array {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const words = dotted === null ? text : `${dotted[1]}${inWords(dotted[2])}`;
  const [before, after] = words.split('::').map((part) => part.split(':').filter((word) => word !== ''));
  const zeros = Array.from({ length: after === undefined ? 0 : 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...(after ?? [])].map((word) => Number.parseInt(word, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The last four bytes of an IPv6 address may be written as those of IPv4. */
function inWords(dotted: string): string {
  const [a, b, c, d] = dotted.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

/** The usual spelling: lower case, the longest row of zeros left out. `undefined`: neither four nor sixteen bytes. */
export function formatAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => bytes[2 * index] * 256 + bytes[2 * index + 1]);
  const [start, length] = longestZeros(groups);
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): readonly [start: number, length: number] {
  let best: readonly [number, number] = [0, 0];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best;
}

/** @throws NetworkUpError `network-up/netlink` */
export function parsePrefix(text: string): { readonly bytes: Uint8Array; readonly length: number } {
  const [address, length, ...rest] = text.split('/');
  const bytes = parseAddress(address);
  if (rest.length === 0 && /^\d{1,3}$/.test(length ?? '') && Number(length) <= bytes.length * 8) return { bytes, length: Number(length) };
  throw new NetworkUpError('network-up/netlink', `Cannot use "${text.slice(0, 60)}": expected an address with the length of its prefix`);
}
