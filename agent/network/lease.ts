/** What a DHCP server gave us, as the script of the client has written it down. The server is a stranger: only sound addresses are taken over. */

export type Lease = {
  /** With its prefix length. */
  readonly address: string;
  readonly gateway: string | undefined;
  readonly nameServers: readonly string[];
};

const mostServers = 3;

/** `undefined`: there is no sound address in it. */
export function parseLease(text: string): Lease | undefined {
  const fields = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).trim()]));
  const words = (name: string) => (fields.get(name) ?? '').split(/[\s,]+/).filter(isHostAddress);
  const [address] = words('address');
  const prefix = prefixLength(fields.get('mask') ?? '');
  if (address === undefined || prefix === undefined) return undefined;
  return { address: `${address}/${prefix}`, gateway: words('routers')[0], nameServers: words('servers').slice(0, mostServers) };
}

/** `255.255.255.0` or `24`. */
function prefixLength(mask: string): number | undefined {
  if (/^\d{1,2}$/.test(mask)) return Number(mask) >= 1 && Number(mask) <= 32 ? Number(mask) : undefined;
  const value = addressNumber(mask);
  if (value === undefined) return undefined;
  const length = value.toString(2).padStart(32, '0').indexOf('0');
  const bits = length < 0 ? 32 : length;
  return bits >= 1 && value === 2 ** 32 - 2 ** (32 - bits) ? bits : undefined;
}

/** Neither this network, nor the loopback, nor a group. */
function isHostAddress(text: string): boolean {
  const value = addressNumber(text);
  if (value === undefined) return false;
  const first = Math.floor(value / 2 ** 24);
  return first > 0 && first < 224 && first !== 127;
}

function addressNumber(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}
