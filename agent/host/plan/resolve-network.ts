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
  const notNow = new Map<string, string>();
  const never = new Map<string, string>();
  const paths: NetworkPath[] = [];
  const kernel = readKernelNetwork(system);
  for (const address of new Set(addresses)) {
    const found = 'links' in kernel ? findPath(system, kernel, address) : ({ kind: 'not-now', why: kernel.why } as const);
    if (found.kind === 'path') paths.push(found.path);
    else (found.kind === 'never' ? never : notNow).set(address, found.why);
  }
  const { nameServers, searchDomains } = readNameService(system);
  const toServers = !('links' in kernel) ? [] : nameServers.flatMap((server) => findPathBeside(system, kernel, server, paths));
  const all = [...paths, ...toServers];
  const warnings = paths.flatMap(({ chain }) => chain.warnings.map((text) => `The way to a target: ${text}.`));
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

/** What of a network makes another image necessary when it changes: leases are renewed all the time. In one order, whoever wrote it down. */
export function networkIdentity(network: ArmedNetwork): string {
  const addresses = network.addresses.map((one) => ({ ...one, validUntilMs: undefined }));
  return JSON.stringify({ ...network, addresses }, (_, value: unknown) => (isPlainObject(value) ? sortMembers(value) : value));
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function sortMembers(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function readKernelNetwork({ kernel }: Facts): KernelNetwork | { readonly why: string } {
  try {
    const links = readLinks(kernel.routeNetlink(buildLinksRequest(), timeoutMs));
    const addresses = readAddresses(kernel.routeNetlink(buildAddressesRequest(), timeoutMs));
    return { links, addresses, nowMs: kernel.wallClockMs() };
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { why: `this machine's network cannot be told: ${error.message}` };
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
