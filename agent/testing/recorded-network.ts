/**
 * What Linux 6.12 told of a network: two virtio cards in a bond (802.3ad), on it VLAN 30 with a leased address and a default gateway. Recorded by
 * `resolve-network-driver.ts raw 198.51.100.9 192.0.2.9 127.0.0.1`.
 */
import { messageType } from '../linux/netlink/message.ts';
import { KernelCallError } from '../sys/kernel-error.ts';
import type { KernelCalls } from '../sys/kernel-interface.ts';
import recorded from './recorded-network.json' with { type: 'json' };

const bytesOf = (rows: readonly string[]) => rows.map((row) => new Uint8Array(Buffer.from(row, 'hex')));

export const recordedLinks = bytesOf(recorded.links);
export const recordedAddresses = bytesOf(recorded.addresses);
/** To a far server, to one on the link, and to the machine itself; each for a packet, then the route. */
export const recordedWays = recorded.ways.map(bytesOf);

/** Requests for links, addresses and ways. @source linux/rtnetlink.h */
const types = { links: 18, addresses: 22, way: 26 } as const;
const servers = ['c6336409', 'c0000209', '7f000001'];
const onlyRoute = 0x20;

/** Answers as that kernel did; for another server, that there is no way. */
export const replayNetwork: KernelCalls['routeNetlink'] = (request) => {
  const type = messageType(request);
  if (type === types.links) return recordedLinks.map((message) => message.slice());
  if (type === types.addresses) return recordedAddresses.map((message) => message.slice());
  const server = servers.indexOf(Buffer.from(request.subarray(-4)).toString('hex'));
  if (type !== types.way || server < 0) throw new KernelCallError('ENETUNREACH', 'Cannot ask: network is unreachable (ENETUNREACH)');
  // RTM_F_FIB_MATCH, in the second byte of the flags.
  return recordedWays[2 * server + (request[25] === onlyRoute ? 1 : 0)];
};
