/**
 * How packets for one server leave this machine, in the terms of the plan.
 *
 * Comes in: the kernel's links and addresses, and what it answers when asked for the way. Goes out: links, the address to leave with, and routes.
 */
import type { ArmedAddress, ArmedRoute } from '../../config/armed-network.ts';
import { KcaptureError } from '../../errors.ts';
import type { KernelAddress } from '../../linux/netlink/addresses.ts';
import { isInPrefix } from '../../linux/netlink/ip-address.ts';
import type { KernelLink } from '../../linux/netlink/links.ts';
import { buildWayRequest, type KernelWay, readWay } from '../../linux/netlink/routes.ts';
import type { System } from '../../sys/system.ts';
import { type LinkChain, readLinkChain } from './link-chain.ts';

type Facts = Pick<System, 'files' | 'kernel'>;

export type KernelNetwork = { readonly links: readonly KernelLink[]; readonly addresses: readonly KernelAddress[]; readonly nowMs: number };

export type NetworkPath = {
  /** The server. */
  readonly to: string;
  /** By which packets leave. */
  readonly link: string;
  readonly chain: LinkChain;
  readonly addresses: readonly ArmedAddress[];
  readonly routes: readonly ArmedRoute[];
  /** That link, when its address came by DHCP. */
  readonly leased: readonly string[];
};

export type FoundPath =
  | { readonly kind: 'path'; readonly path: NetworkPath }
  /** `never`: none that a capture kernel could have. */
  | { readonly kind: 'not-now' | 'never'; readonly why: string };

type Way = { readonly way: KernelWay /** All that goes the same way. */; readonly destination: string };

const timeoutMs = 5_000;

/** @param to numeric. */
export function findPath(system: Facts, network: KernelNetwork, to: string): FoundPath {
  const found = askWay(system, to);
  if ('why' in found) return { kind: 'not-now', why: found.why };
  const { way } = found;
  const link = network.links.find(({ index }) => index === way.link);
  if (way.kind === 'local' || link?.name === 'lo') {
    return { kind: 'never', why: `${to} is this machine itself: in the capture kernel no server listens there` };
  }
  if (way.kind === 'none') return { kind: 'not-now', why: 'the routes of this machine refuse it' };
  if (link === undefined) return { kind: 'not-now', why: 'the link of its route is not in this network namespace' };
  if (way.gateway !== undefined && isInet6(way.gateway) !== isInet6(to)) {
    return {
      kind: 'never',
      why: `${to} is reached by ${way.gateway}, a gateway of the other version of IP, which is not set up in the capture kernel`,
    };
  }
  const chain = readLinkChain(system, link, network.links);
  if (chain.problem !== undefined) return { kind: 'never', why: chain.problem };
  return { kind: 'path', path: { to, link: link.name, chain, ...describe(network, to, link, found) } };
}

function askWay({ kernel }: Facts, to: string): Way | { readonly why: string } {
  try {
    const way = readWay(kernel.routeNetlink(buildWayRequest(to, 'packet'), timeoutMs));
    if (way === undefined) return { why: 'the kernel tells none' };
    const route = readWay(kernel.routeNetlink(buildWayRequest(to, 'route'), timeoutMs));
    return { way, destination: route?.destination ?? way.destination };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { why: error.message };
  }
}

function describe(network: KernelNetwork, to: string, link: KernelLink, { way, destination }: Way) {
  const { gateway } = way;
  const own = network.addresses.filter((one) => one.link === link.index && one.isUsable && !one.isTemporary);
  const source = chooseSource(network, own, way.source);
  const next = gateway ?? to;
  // A gateway may be in the prefix of another address than the one packets leave with.
  const beside = source === undefined || covers(source, next) ? undefined : own.find((one) => covers(one, next));
  const given = [source, beside].filter((one) => one !== undefined);
  const isOnLink = isLinkLocal(next) || given.some((one) => covers(one, next));
  const common = { link: link.name, source: source?.address };
  return {
    addresses: given.map((one) => armAddress(one, link.name, network.nowMs)),
    routes: [
      ...(isOnLink ? [] : [{ ...common, destination: gateway === undefined ? destination : hostPrefix(gateway), gateway: undefined }]),
      ...(gateway === undefined ? [] : [{ ...common, destination, gateway }]),
    ],
    leased: given.some(({ address, validSeconds }) => validSeconds !== undefined && !isInet6(address)) ? [link.name] : [],
  };
}

/**
 * The address that the kernel would take; not one made for privacy, which another has followed by then, when there is a lasting one beside it.
 * An address of another link, as routers have them, goes to the one packets leave by.
 */
function chooseSource({ addresses }: KernelNetwork, own: readonly KernelAddress[], wanted: string | undefined): KernelAddress | undefined {
  const source = own.find(({ address }) => address === wanted);
  if (source !== undefined || wanted === undefined) return source;
  const elsewhere = addresses.find(({ address }) => address === wanted);
  const lasting = elsewhere?.isTemporary ? own.find((one) => isInPrefix(wanted, one.address, one.prefixLength)) : undefined;
  return lasting ?? (elsewhere === undefined ? undefined : { ...elsewhere, prefixLength: isInet6(wanted) ? 128 : 32 });
}

function covers({ address, prefixLength }: KernelAddress, other: string): boolean {
  return isInPrefix(other, address, prefixLength);
}

function armAddress({ address, prefixLength, validSeconds }: KernelAddress, link: string, nowMs: number): ArmedAddress {
  return {
    link,
    address: `${address}/${prefixLength}`,
    validUntilMs: validSeconds === undefined ? undefined : nowMs + validSeconds * 1000,
  };
}

/** Of one address alone. */
export function hostPrefix(address: string): string {
  return `${address}/${isInet6(address) ? 128 : 32}`;
}

function isInet6(address: string): boolean {
  return address.includes(':');
}

function isLinkLocal(address: string): boolean {
  return isInet6(address) && isInPrefix(address, 'fe80::', 10);
}
