/** Messages about addresses, ways and neighbours. @source linux/{if_addr,rtnetlink,neighbour}.h */
import { defineStruct } from '../binary/struct.ts';
import { families, formatIpAddress, parseIpAddress } from '../linux/netlink/ip-address.ts';
import { NetworkUpError } from './network-up-error.ts';
import { formatCardAddress } from '../linux/netlink/card-address.ts';
import type { Neighbour, NewRoute } from './route-control.ts';
import { type Attribute, buildMessage, messageAttributes, messageFlags, messageHead, numberBytes } from '../linux/netlink/message.ts';

const types = {
  newAddress: 20,
  removeAddress: 21,
  newRoute: 24,
  newNeighbour: 28,
  listNeighbours: 30,
} as const;
const addressTags = { address: 1, local: 2, flags: 8 } as const;
const routeTags = { destination: 1, outLink: 4, gateway: 5, metric: 6, source: 7 } as const;
const neighbourTags = { destination: 1, cardAddress: 2 } as const;
const addressPart = defineStruct('struct ifaddrmsg', 8, {
  family: [0, 'u8'],
  length: [1, 'u8'],
  flags: [2, 'u8'],
  scope: [3, 'u8'],
  link: [4, 'u32'],
});
const routePart = defineStruct('struct rtmsg', 12, {
  ...{ family: [0, 'u8'], length: [1, 'u8'], sourceLength: [2, 'u8'], tos: [3, 'u8'] },
  ...{ table: [4, 'u8'], protocol: [5, 'u8'], scope: [6, 'u8'], type: [7, 'u8'], flags: [8, 'u32'] },
});
const neighbourPart = defineStruct('struct ndmsg', 12, {
  family: [0, 'u8'],
  link: [4, 'i32'],
  state: [8, 'u16'],
  flags: [10, 'u8'],
  type: [11, 'u8'],
});
/** NLM_F_CREATE, NLM_F_REPLACE: what has its place goes. */
const replaceFlags = 0x400 | 0x100;
/** IFA_F_NODAD: used at once, without asking whether somebody else has it. */
const withoutQuestion = 0x02;
const scopeLink = 253;
const mainTable = 254;
const bootProtocol = 3;
const unicast = 1;
const onLinkFlag = 4;
/** NTF_USE: as if a packet were to go there. */
const useFlag = 1;
const neighbourStates = { incomplete: 0x01, failed: 0x20, none: 0x00 } as const;

function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? families.inet : families.inet6;
}

/** @throws NetworkUpError `network-up/netlink` */
function parsePrefix(text: string): { readonly bytes: Uint8Array; readonly length: number } {
  const [address, length, ...rest] = text.split('/');
  const bytes = parseIpAddress(address);
  if (rest.length === 0 && /^\d{1,3}$/.test(length ?? '') && Number(length) <= bytes.length * 8) return { bytes, length: Number(length) };
  throw new NetworkUpError('network-up/netlink', `Cannot use "${text.slice(0, 60)}": expected an address with the length of its prefix`);
}

export function addressMessage(how: 'add' | 'remove', link: number, text: string): Uint8Array {
  const { bytes, length } = parsePrefix(text);
  const fixed = addressPart.write({ family: familyOf(bytes), length, link });
  const attributes: Attribute[] = [
    [addressTags.local, bytes],
    [addressTags.address, bytes],
  ];
  if (how === 'remove') return buildMessage(types.removeAddress, messageFlags.request, fixed, attributes);
  if (bytes.length === 16) attributes.push([addressTags.flags, numberBytes(withoutQuestion, 4)]);
  return buildMessage(types.newAddress, messageFlags.request | replaceFlags, fixed, attributes);
}

export function newRouteMessage({ link, destination, gateway, source, onLink, metric }: NewRoute): Uint8Array {
  const { bytes, length } = parsePrefix(destination);
  const scope = gateway === undefined && bytes.length === 4 ? scopeLink : 0;
  const kind = { table: mainTable, protocol: bootProtocol, scope, type: unicast, flags: onLink ? onLinkFlag : 0 };
  const fixed = routePart.write({ family: familyOf(bytes), length, ...kind });
  const attributes: Attribute[] = [[routeTags.outLink, numberBytes(link, 4)]];
  if (length > 0) attributes.push([routeTags.destination, bytes]);
  if (gateway !== undefined) attributes.push([routeTags.gateway, parseIpAddress(gateway)]);
  if (source !== undefined) attributes.push([routeTags.source, parseIpAddress(source)]);
  if (metric !== undefined) attributes.push([routeTags.metric, numberBytes(metric, 4)]);
  return buildMessage(types.newRoute, messageFlags.request | replaceFlags, fixed, attributes);
}

export function askNeighbourMessage(link: number, text: string): Uint8Array {
  const bytes = parseIpAddress(text);
  const fixed = neighbourPart.write({ family: familyOf(bytes), link, flags: useFlag });
  return buildMessage(types.newNeighbour, messageFlags.request | replaceFlags, fixed, [[neighbourTags.destination, bytes]]);
}

export function listNeighboursMessage(address: string): Uint8Array {
  const fixed = neighbourPart.write({ family: familyOf(parseIpAddress(address)) });
  return buildMessage(types.listNeighbours, messageFlags.request | messageFlags.dump, fixed);
}

/** @throws LinuxError `linux/bad-netlink` */
export function readNeighbourMessage(message: Uint8Array): Neighbour & { readonly link: number; readonly of: string | undefined } {
  const attributes = messageAttributes(message, neighbourPart.sizeBytes);
  const { link, state } = neighbourPart.read(message, messageHead.sizeBytes);
  return {
    link,
    of: formatIpAddress(attributes.get(neighbourTags.destination)),
    state: stateOf(state),
    address: formatCardAddress(attributes.get(neighbourTags.cardAddress)),
  };
}

/** What is neither asked for nor given up has answered, or needs no answer. */
function stateOf(bits: number): Neighbour['state'] {
  if (bits === neighbourStates.none) return 'unknown';
  if (bits === neighbourStates.incomplete) return 'asking';
  return bits === neighbourStates.failed ? 'silent' : 'answers';
}
