/** The hardware address a device was made with, on kernels before 5.6, which do not tell it with the rest. @source linux/ethtool.h, linux/sockios.h */
import { closeSync } from 'node:fs';
import { dlopen, ptr } from 'bun:ffi';
import { formatEthernetAddress } from '../linux/netlink/card-address.ts';
import { checkCall, ioctlWith, terminated } from './system-call.ts';

const libc = dlopen('libc.so.6', { socket: { args: ['i32', 'i32', 'i32'], returns: 'i32' } }).symbols;

const SIOCETHTOOL = 0x8946;
const ETHTOOL_GPERMADDR = 0x20;
/** AF_INET, SOCK_DGRAM | SOCK_CLOEXEC: any socket will do. */
const anySocket = { domain: 2, type: 0x80002 } as const;
/** struct ifreq: the name, then a pointer. */
const request = { name: 0, nameBytes: 16, data: 16, bytes: 40 } as const;
/** struct ethtool_perm_addr: command u32, size u32, then the address, of 32 bytes at most. */
const answer = { size: 4, address: 8, mostAddressBytes: 32 } as const;

/**
 * @param link its name.
 * @returns `00:11:22:33:44:55`, or `undefined` when it has none, or is not there.
 * @throws KernelCallError when no device can have that name.
 */
export function readPermanentAddress(link: string): string | undefined {
  const name = terminated(link, request.nameBytes, 'the name of a network device');
  const data = new Uint8Array(answer.address + answer.mostAddressBytes);
  const view = new DataView(data.buffer);
  view.setUint32(0, ETHTOOL_GPERMADDR, true);
  view.setUint32(answer.size, answer.mostAddressBytes, true);
  const argument = new Uint8Array(request.bytes);
  argument.set(name, request.name);
  // Why: the request holds a pointer to where the answer goes.
  // Safe: `data` has the size told in it, is used after the call and so alive, and its bytes do not move once its buffer exists.
  new DataView(argument.buffer).setBigUint64(request.data, BigInt(ptr(data)), true);
  if (!askDriver(argument)) return undefined;
  const length = Math.min(view.getUint32(answer.size, true), answer.mostAddressBytes);
  const address = data.subarray(answer.address, answer.address + length);
  return address.every((byte) => byte === 0) ? undefined : formatEthernetAddress(address);
}

function askDriver(argument: Uint8Array): boolean {
  // Why: this ioctl wants a socket.
  // Safe: three numbers go in, a descriptor comes out, closed below.
  const fd = checkCall(libc.socket(anySocket.domain, anySocket.type, 0), 'open a socket');
  try {
    return ioctlWith(fd, SIOCETHTOOL, argument) >= 0;
  } finally {
    closeSync(fd);
  }
}
