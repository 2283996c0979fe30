/** The network of a plan, member by member. What it says goes to the kernel and into files: only what has the form of names and addresses is taken. */
import { isIP } from 'node:net';
import type { ArmedAddress, ArmedLink, ArmedNetwork, ArmedRoute } from '../config/armed-network.ts';
import type { PlanReader } from './plan-reader.ts';

/** Some have none, InfiniBand has twenty bytes. @source linux/netdevice.h, MAX_ADDR_LEN */
const cardAddress = /^([0-9a-f]{2}(:[0-9a-f]{2}){0,31})?$/i;
/** What the kernel takes for a link's name. @source net/core/dev.c, dev_valid_name */
const linkName = /^(?!\.{1,2}$)[^\s/:\0]{1,15}$/;
const longestTime = 8.64e15;

/** @throws CaptureError `capture/bad-plan` naming the member that is wrong. */
export function parseNetwork(reader: PlanReader, value: unknown, where: string): ArmedNetwork {
  const network = reader.object(value, where);
  const each = <T>(member: string, parse: (entry: unknown, at: string) => T) => reader.each(network[member], `${where}.${member}`, parse);
  return {
    links: each('links', (entry, at) => parseLink(reader, entry, at)),
    addresses: each('addresses', (entry, at) => parseArmedAddress(reader, entry, at)),
    routes: each('routes', (entry, at) => parseRoute(reader, entry, at)),
    nameServers: each('nameServers', (entry, at) => parseHostAddress(reader, entry, at)),
    searchDomains: each('searchDomains', (entry, at) => reader.like(entry, at, /^[^\s\0]{1,255}$/, 'a domain')),
    leased: each('leased', (entry, at) => parseName(reader, entry, at)),
  };
}

function parseName(reader: PlanReader, value: unknown, where: string): string {
  return reader.like(value, where, linkName, 'the name of a link');
}

function parseCardAddress(reader: PlanReader, value: unknown, where: string): string {
  return reader.like(value, where, cardAddress, 'an address such as 00:11:22:33:44:55');
}

function parseLink(reader: PlanReader, value: unknown, where: string): ArmedLink {
  const link = reader.object(value, where);
  const at = (member: string) => `${where}.${member}`;
  const optional = (member: string) => reader.optionalText(link[member], at(member));
  const facts = {
    name: parseName(reader, link.name, at('name')),
    address: parseCardAddress(reader, link.address, at('address')),
    mtu: reader.number(link.mtu, at('mtu'), 68, 65_536),
    master: link.master === undefined || link.master === null ? undefined : parseName(reader, link.master, at('master')),
  };
  const kind = reader.oneOf(link.kind, at('kind'), ['device', 'vlan', 'bond', 'bridge']);
  switch (kind) {
    case 'device':
      return {
        ...facts,
        kind,
        permanentAddress: parseCardAddress(reader, link.permanentAddress, at('permanentAddress')),
        driver: optional('driver'),
      };
    case 'vlan':
      return {
        ...facts,
        kind,
        parent: parseName(reader, link.parent, at('parent')),
        id: reader.number(link.id, at('id'), 0, 4094),
        protocol: reader.oneOf(link.protocol, at('protocol'), ['802.1Q', '802.1ad']),
      };
    case 'bond': {
      const rate = optional('lacpRate');
      return {
        ...facts,
        kind,
        mode: reader.word(link.mode, at('mode')),
        miimonMs: reader.number(link.miimonMs, at('miimonMs'), 0, 2 ** 31 - 1),
        lacpRate: rate === undefined ? undefined : reader.oneOf(rate, at('lacpRate'), ['slow', 'fast']),
        transmitHashPolicy: optional('transmitHashPolicy'),
      };
    }
    case 'bridge':
      return { ...facts, kind, stp: reader.boolean(link.stp, at('stp')) };
  }
}

function parseArmedAddress(reader: PlanReader, value: unknown, where: string): ArmedAddress {
  const { link, address, validUntilMs } = reader.object(value, where);
  return {
    link: parseName(reader, link, `${where}.link`),
    address: parsePrefix(reader, address, `${where}.address`),
    validUntilMs:
      validUntilMs === undefined || validUntilMs === null
        ? undefined
        : reader.number(validUntilMs, `${where}.validUntilMs`, 0, longestTime),
  };
}

function parseRoute(reader: PlanReader, value: unknown, where: string): ArmedRoute {
  const { link, destination, gateway, source } = reader.object(value, where);
  const optional = (member: unknown, name: string) =>
    member === undefined || member === null ? undefined : parseHostAddress(reader, member, `${where}.${name}`);
  return {
    link: parseName(reader, link, `${where}.link`),
    destination: parsePrefix(reader, destination, `${where}.destination`),
    gateway: optional(gateway, 'gateway'),
    source: optional(source, 'source'),
  };
}

/** A link-local one may have its link behind it, `fe80::1%eth0`. */
export function parseHostAddress(reader: PlanReader, value: unknown, where: string): string {
  const text = reader.text(value, where);
  const [address, zone, ...rest] = text.split('%');
  if (isIP(address) !== 0 && rest.length === 0 && (zone === undefined || linkName.test(zone))) return text;
  throw reader.bad(where, `"${text.slice(0, 80)}"`, 'a numeric address');
}

function parsePrefix(reader: PlanReader, value: unknown, where: string): string {
  const text = reader.text(value, where);
  const [address, length, ...rest] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version !== 0 && rest.length === 0 && /^\d{1,3}$/.test(length ?? '') && Number(length) <= most) return text;
  throw reader.bad(where, `"${text.slice(0, 80)}"`, 'a numeric address with the length of its prefix');
}
