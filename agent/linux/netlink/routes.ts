/** How a packet would leave, by the kernel's own choice. @source linux/rtnetlink.h */
import { defineStruct } from '../../binary/struct.ts';
import { LinuxError } from '../linux-error.ts';
import { families, formatIpAddress, parseIpAddress } from './ip-address.ts';
import { buildMessage, messageAttributes, messageHead, messageType, readNumber } from './message.ts';

const types = { newRoute: 24, getRoute: 26 } as const;
const routePart = defineStruct('struct rtmsg', 12, {
  family: [0, 'u8'],
  destinationLength: [1, 'u8'],
  sourceLength: [2, 'u8'],
  service: [3, 'u8'],
  table: [4, 'u8'],
  protocol: [5, 'u8'],
  scope: [6, 'u8'],
  type: [7, 'u8'],
  flags: [8, 'u32'],
});
const tags = { destination: 1, outLink: 4, gateway: 5, source: 7, via: 18 } as const;
/** RTM_F_FIB_MATCH: the route itself, not what became of it for this packet. */
const matchFlag = 0x2000;
/** RTN_UNICAST, RTN_LOCAL */
const routeTypes = { unicast: 1, local: 2 } as const;
const viaFamilyBytes = 2;

export type KernelWay = {
  /** `local`: to this machine itself; `none`: not let through. */
  readonly kind: 'unicast' | 'local' | 'none';
  /** Of all the route serves, with its prefix length, `0.0.0.0/0`. */
  readonly destination: string;
  /** Index; `undefined` where there is more than one. */
  readonly link: number | undefined;
  readonly gateway: string | undefined;
  readonly source: string | undefined;
};

/**
 * @param how `packet`: link, gateway and source for it; `route`: also which destinations go the same way (kernels before 4.13 answer as for `packet`).
 * @throws LinuxError `linux/bad-netlink` when it is no numeric address.
 */
export function buildWayRequest(address: string, how: 'packet' | 'route'): Uint8Array {
  const bytes = parseIpAddress(address);
  const fixed = routePart.write({
    family: bytes.length === 4 ? families.inet : families.inet6,
    destinationLength: bytes.length * 8,
    flags: how === 'route' ? matchFlag : 0,
  });
  return buildMessage(types.getRoute, 0, fixed, [[tags.destination, bytes]]);
}

/** The first way among the messages. @throws LinuxError `linux/bad-netlink`, StructError. */
export function readWay(messages: readonly Uint8Array[]): KernelWay | undefined {
  const message = messages.find((one) => messageType(one) === types.newRoute);
  if (message === undefined) return undefined;
  const { family, destinationLength, type } = routePart.read(message, messageHead.sizeBytes);
  const attributes = messageAttributes(message, routePart.sizeBytes);
  const isInet = family === families.inet;
  if (!isInet && family !== families.inet6) return undefined;
  if (destinationLength > (isInet ? 32 : 128)) {
    throw new LinuxError(
      'linux/bad-netlink',
      `Cannot read a route of the kernel: a prefix of ${destinationLength} bits, expected ${isInet ? 32 : 128} at most`,
    );
  }
  return {
    kind: type === routeTypes.unicast ? 'unicast' : type === routeTypes.local ? 'local' : 'none',
    destination: `${formatIpAddress(attributes.get(tags.destination)) ?? (isInet ? '0.0.0.0' : '::')}/${destinationLength}`,
    link: readNumber(attributes.get(tags.outLink), 4),
    // A way of IPv4 may lead over a neighbour that has IPv6 only.
    gateway: formatIpAddress(attributes.get(tags.gateway) ?? attributes.get(tags.via)?.subarray(viaFamilyBytes)),
    source: formatIpAddress(attributes.get(tags.source)),
  };
}
