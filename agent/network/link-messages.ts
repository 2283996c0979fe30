/** Messages that make, change and remove links, and what state they are in. @source linux/if_link.h, linux/if_arp.h */
import { defineStruct } from '../binary/struct.ts';
import { encodeText } from '../binary/text.ts';
import { NetworkUpError } from './network-up-error.ts';
import type { LinkChange, NewLink, VirtualLink } from './route-control.ts';
import { formatCardAddress } from '../linux/netlink/card-address.ts';
import { bondModes, hashPolicies } from '../linux/netlink/links.ts';
import {
  type Attribute,
  buildAttributes,
  buildMessage,
  messageAttributes,
  messageFlags,
  messageHead,
  numberBytes,
  readAttributes,
  readName,
} from '../linux/netlink/message.ts';

const newLink = 16;
const removeLink = 17;
const setLink = 19;
const linkInfo = defineStruct('struct ifinfomsg', 16, {
  family: [0, 'u8'],
  type: [2, 'u16'],
  index: [4, 'i32'],
  flags: [8, 'u32'],
  change: [12, 'u32'],
});
const infoBytes = linkInfo.sizeBytes;
/** NLM_F_CREATE, NLM_F_EXCL: what is there is not changed. */
const createFlags = 0x400 | 0x200;
const flagUp = 0x1;
const flagLowerUp = 0x10000;

const tags = { address: 1, name: 3, mtu: 4, link: 5, master: 10, linkInfo: 18 } as const;
const infoTags = { kind: 1, data: 2, memberKind: 4, memberData: 5 } as const;
const vlanTags = { id: 1, protocol: 5 } as const;
const bondTags = { mode: 1, miimon: 3, transmitHashPolicy: 14, lacpRate: 21 } as const;
/** What a bond keeps of a member that has its address now. */
const bondMemberTags = { permanentAddress: 4 } as const;
const bridgeTags = { forwardDelay: 1, stp: 5 } as const;

/** ETH_P_8021Q, ETH_P_8021AD; in network order. @source linux/if_ether.h */
const vlanProtocols = { '802.1Q': 0x8100, '802.1ad': 0x88a8 } as const;
const hashingModes = ['balance-xor', '802.3ad', 'balance-tlb'];
/** A bond that does not watch its links is no good to us. */
const ordinaryMiimonMs = 100;
/** The least the kernel takes, in hundredths of a second: with the spanning tree, ports wait twice as long before they forward. */
const shortForwardDelay = 200;

/** What changes of a link, beside what `readLinks` tells of it. */
export type LinkState = {
  readonly index: number;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** What a member of a bond had before it got the bond's. */
  readonly memberAddress: string | undefined;
};

/** @throws LinuxError `linux/bad-netlink` */
export function readLinkState(message: Uint8Array): LinkState {
  const { index, flags } = linkInfo.read(message, messageHead.sizeBytes);
  const info = readAttributes(messageAttributes(message, infoBytes).get(tags.linkInfo));
  const isBonded = readName(info.get(infoTags.memberKind)) === 'bond';
  const member = readAttributes(isBonded ? info.get(infoTags.memberData) : undefined);
  return {
    index,
    isUp: (flags & flagUp) !== 0,
    hasCarrier: (flags & flagLowerUp) !== 0,
    memberAddress: formatCardAddress(member.get(bondMemberTags.permanentAddress)),
  };
}

/** @throws NetworkUpError `network-up/netlink` for a mode or policy that is not known. */
export function newLinkMessage({ name, link, parent }: NewLink): Uint8Array {
  const info: Attribute[] = [
    [infoTags.kind, encodeText(link.kind)],
    [infoTags.data, buildAttributes(linkData(link))],
  ];
  return buildMessage(newLink, messageFlags.request | createFlags, new Uint8Array(infoBytes), [
    [tags.name, encodeText(`${name}\0`)],
    ...(parent === undefined ? [] : [[tags.link, numberBytes(parent, 4)] as const]),
    [tags.linkInfo, buildAttributes(info)],
  ]);
}

function linkData(link: VirtualLink): Attribute[] {
  if (link.kind === 'vlan') {
    const protocol = vlanProtocols[link.protocol];
    return [
      [vlanTags.id, numberBytes(link.id, 2)],
      [vlanTags.protocol, Uint8Array.of(protocol >> 8, protocol & 0xff)],
    ];
  }
  if (link.kind === 'bridge') {
    return [
      [bridgeTags.forwardDelay, numberBytes(shortForwardDelay, 4)],
      [bridgeTags.stp, numberBytes(link.stp ? 1 : 0, 4)],
    ];
  }
  const { mode, miimonMs, lacpRate, transmitHashPolicy } = link;
  const data: Attribute[] = [
    [bondTags.mode, numberBytes(place(bondModes, mode, 'mode'), 1)],
    [bondTags.miimon, numberBytes(miimonMs > 0 ? miimonMs : ordinaryMiimonMs, 4)],
  ];
  if (transmitHashPolicy !== undefined && hashingModes.includes(mode)) {
    data.push([bondTags.transmitHashPolicy, numberBytes(place(hashPolicies, transmitHashPolicy, 'policy'), 1)]);
  }
  if (lacpRate !== undefined && mode === '802.3ad') data.push([bondTags.lacpRate, numberBytes(lacpRate === 'fast' ? 1 : 0, 1)]);
  return data;
}

function place(names: readonly string[], name: string, what: string): number {
  const at = names.indexOf(name);
  if (at >= 0) return at;
  throw new NetworkUpError('network-up/netlink', `Cannot make a bond of the ${what} "${name}": expected one of ${names.join(', ')}`);
}

export function changeLinkMessage(index: number, { up, mtu, address, master }: LinkChange): Uint8Array {
  const flags = up === undefined ? {} : { flags: up ? flagUp : 0, change: flagUp };
  return buildMessage(setLink, messageFlags.request, info(index, flags), [
    ...(mtu === undefined ? [] : [[tags.mtu, numberBytes(mtu, 4)] as const]),
    ...(address === undefined ? [] : [[tags.address, parseCardAddress(address)] as const]),
    ...(master === undefined ? [] : [[tags.master, numberBytes(master, 4)] as const]),
  ]);
}

export function removeLinkMessage(index: number): Uint8Array {
  return buildMessage(removeLink, messageFlags.request, info(index), []);
}

function info(index: number, values: { flags?: number; change?: number } = {}): Uint8Array {
  return linkInfo.write({ index, ...values });
}

/** @throws NetworkUpError `network-up/netlink` */
export function parseCardAddress(text: string): Uint8Array {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){0,31}$/i.test(text)) return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
  throw new NetworkUpError(
    'network-up/netlink',
    `Cannot use "${text.slice(0, 40)}" as the address of a card: expected one such as 00:11:22:33:44:55`,
  );
}
