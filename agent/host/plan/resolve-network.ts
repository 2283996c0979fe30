/**
 * The part of this machine's network that leads to some servers, read from the running kernel: links down to their cards, addresses, ways, name servers.
 *
 * Comes in: numeric addresses. Goes out: what the capture kernel puts up again, and which servers it cannot get to.
 */
import type { ArmedNetwork, ArmedRoute } from '../../config/armed-network.ts';
import { KcaptureError } from '../../errors.ts';
import { buildAddressesRequest, readAddresses } from '../../linux/netlink/addresses.ts';
import { buildLinksRequest, readLinks } from '../../linux/netlink/links.ts';
import type { System } from '../../sys/system.ts';
import { findPath, hostPrefix, type KernelNetwork, type NetworkPath } from './find-path.ts';
import { readNameService } from './name-servers.ts';

export type ResolvedNetwork = {
  /** No links: none of the servers can be reached now. */
  readonly network: ArmedNetwork;
  readonly warnings: readonly string[];
  /** Servers that cannot be reached now, and why. */
  readonly notNow: ReadonlyMap<string, string>;
  /** Servers to which no way of this machine can be put up again, and why. */
  readonly never: ReadonlyMap<string, string>;
};

type Facts = Pick<System, 'files' | 'kernel'>;

const timeoutMs = 5_000;

/** A network that is not up, or cannot be asked for, is a warning and no error. */
export function resolveNetwork(system: Facts, addresses: readonly string[]): ResolvedNetwork {
  const warnings: string[] = [];
  const notNow = new Map<string, string>();
  const never = new Map<string, string>();
  const paths: NetworkPath[] = [];
  const kernel = readKernelNetwork(system, warnings);
  for (const address of new Set(kernel === undefined ? [] : addresses)) {
    const found = findPath(system, kernel as KernelNetwork, address);
    if (found.kind === 'path') paths.push(found.path);
    else (found.kind === 'never' ? never : notNow).set(address, found.why);
  }
  const { nameServers, searchDomains } = readNameService(system);
  const toServers = kernel === undefined ? [] : nameServers.flatMap((server) => findPathBeside(system, kernel, server, paths));
  const all = [...paths, ...toServers];
  warnings.push(...paths.flatMap(({ chain }) => chain.warnings.map((text) => `The way to a target: ${text}.`)));
  const network = {
    links: uniqueBy(
      paths.flatMap(({ chain }) => chain.links),
      ({ name }) => name,
    ),
    addresses: uniqueBy(
      all.flatMap((path) => path.addresses),
      ({ link, address }) => `${link} ${address}`,
    ),
    routes: mergeRoutes(all),
    nameServers: toServers.map(({ to }) => to),
    searchDomains: toServers.length === 0 ? [] : searchDomains,
    leased: [...new Set(all.flatMap(({ leased }) => leased))],
  };
  return { network, warnings: [...new Set(warnings)], notNow, never };
}

/** What of a network makes another image necessary when it changes: leases are renewed all the time. */
export function withoutLifetimes(network: ArmedNetwork): ArmedNetwork {
  return { ...network, addresses: network.addresses.map((one) => ({ ...one, validUntilMs: undefined })) };
}

function readKernelNetwork({ kernel }: Facts, warnings: string[]): KernelNetwork | undefined {
  try {
    const links = readLinks(kernel.routeNetlink(buildLinksRequest(), timeoutMs));
    const addresses = readAddresses(kernel.routeNetlink(buildAddressesRequest(), timeoutMs));
    return { links, addresses, nowMs: kernel.wallClockMs() };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    warnings.push(`This machine's network cannot be told, so none is armed: ${error.message}.`);
    return undefined;
  }
}

/** A name server counts when it is reached over a link that leads to a target: no card is put up for names alone. */
function findPathBeside(system: Facts, kernel: KernelNetwork, server: string, paths: readonly NetworkPath[]): readonly NetworkPath[] {
  const found = findPath(system, kernel, server);
  return found.kind === 'path' && paths.some(({ link }) => link === found.path.link) ? [found.path] : [];
}

/** Where two ways share a destination and part all the same, by a rule, the later one serves its own server alone. */
function mergeRoutes(paths: readonly NetworkPath[]): readonly ArmedRoute[] {
  const routes = new Map<string, ArmedRoute>();
  for (const { to, routes: wanted } of paths) {
    for (const route of wanted) {
      const there = routes.get(route.destination);
      const isSame = there === undefined || (there.link === route.link && there.gateway === route.gateway);
      const merged = isSame ? (there ?? route) : { ...route, destination: hostPrefix(to) };
      routes.set(merged.destination, merged);
    }
  }
  return [...routes.values()];
}

function uniqueBy<T>(rows: readonly T[], key: (row: T) => string): readonly T[] {
  const first = new Map<string, T>();
  for (const row of rows) if (!first.has(key(row))) first.set(key(row), row);
  return [...first.values()];
}
