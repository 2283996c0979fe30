/** What the kernel says of its own addresses. @source linux/if_addr.h */
import { defineStruct } from '../../binary/struct.ts';
import { formatIpAddress } from './ip-address.ts';
import { buildMessage, messageAttributes, messageFlags, messageHead, messageType, readNumber } from './message.ts';

const types = { newAddress: 20, getAddress: 22 } as const;
const addressPart = defineStruct('struct ifaddrmsg', 8, {
  family: [0, 'u8'],
  prefixLength: [1, 'u8'],
  flags: [2, 'u8'],
  scope: [3, 'u8'],
  link: [4, 'u32'],
});
const tags = { address: 1, local: 2, lifetime: 6, flags: 8 } as const;
/** struct ifa_cacheinfo begins with the preferred and the valid lifetime, seconds. */
const validAt = 4;
const forEver = 0xffffffff;
/** IFA_F_TEMPORARY, which is IFA_F_SECONDARY for IPv4; IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_TENTATIVE. */
const flags = { temporary: 0x01, failed: 0x08, deprecated: 0x20, tentative: 0x40 } as const;
const inet6 = 10;

export type KernelAddress = {
  /** Index. */
  readonly link: number;
  /** Ours, without the prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  /** `undefined`: for ever. */
  readonly validSeconds: number | undefined;
  /** Made for privacy, another every day. */
  readonly isTemporary: boolean;
  /** May not be used yet, or no more. */
  readonly isUsable: boolean;
};

/** Asks for all addresses, of both families. */
export function buildAddressesRequest(): Uint8Array {
  return buildMessage(types.getAddress, messageFlags.dump, addressPart.write({}));
}

/** Those among the messages that are about addresses. @throws LinuxError `linux/bad-netlink`, StructError. */
export function readAddresses(messages: readonly Uint8Array[]): readonly KernelAddress[] {
  return messages.filter((message) => messageType(message) === types.newAddress).flatMap((message) => readAddress(message) ?? []);
}

/** `undefined` where it is of a family we do not know. */
function readAddress(message: Uint8Array): KernelAddress | undefined {
  const part = addressPart.read(message, messageHead.sizeBytes);
  const attributes = messageAttributes(message, addressPart.sizeBytes);
  // On a link to one other machine, `address` is the other's.
  const bytes = attributes.get(tags.local) ?? attributes.get(tags.address);
  const address = formatIpAddress(bytes);
  if (bytes === undefined || address === undefined || part.prefixLength > bytes.length * 8) return undefined;
  const bits = readNumber(attributes.get(tags.flags), 4) ?? part.flags;
  const valid = readNumber(attributes.get(tags.lifetime)?.subarray(validAt), 4);
  return {
    link: part.link,
    address,
    prefixLength: part.prefixLength,
    validSeconds: valid === forEver ? undefined : valid,
    isTemporary: part.family === inet6 && (bits & flags.temporary) !== 0,
    isUsable: (bits & (flags.failed | flags.tentative | flags.deprecated)) === 0,
  };
}
