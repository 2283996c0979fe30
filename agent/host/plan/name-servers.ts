/**
 * Name servers and search domains of the machine, those behind a resolver on the machine itself: the capture kernel has no such resolver.
 *
 * @source resolv.conf(5), systemd-resolved.service(8), NetworkManager.conf(5)
 */
import { isIP } from 'node:net';
import type { System } from '../../sys/system.ts';

export type NameService = { readonly nameServers: readonly string[]; readonly searchDomains: readonly string[] };

const places = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf', '/run/NetworkManager/no-stub-resolv.conf'];
/** MAXNS, MAXDNSRCH. @source resolv.h */
const most = { servers: 3, domains: 6 } as const;

/** From the first file that names a server on the network; no servers when there is none. */
export function readNameService({ files }: Pick<System, 'files'>): NameService {
  const found = places.map((path) => parseResolverFile(files.readTextIfThere(path, 65_536) ?? ''));
  const usable = found.find(({ nameServers }) => nameServers.length > 0);
  return {
    nameServers: usable?.nameServers ?? [],
    searchDomains: found.find(({ searchDomains }) => searchDomains.length > 0)?.searchDomains ?? [],
  };
}

/** Servers on the machine itself are left out. */
export function parseResolverFile(text: string): NameService {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/));
  const nameServers = rows.flatMap(([word, server = '']) => (word === 'nameserver' && isOnNetwork(server) ? [server] : []));
  // The last line counts.
  const domains = rows.filter(([word]) => word === 'search' || word === 'domain').at(-1) ?? [];
  const searchDomains = domains.slice(1).filter((domain) => /^[\w.-]{1,253}$/.test(domain) && domain !== '.');
  return { nameServers: [...new Set(nameServers)].slice(0, most.servers), searchDomains: searchDomains.slice(0, most.domains) };
}

function isOnNetwork(server: string): boolean {
  return isIP(server) !== 0 && !server.startsWith('127.') && server !== '::1' && server !== '0.0.0.0';
}
