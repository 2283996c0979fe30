/** `/etc/resolv.conf` of the capture kernel: whom to ask for the addresses of names. @source resolv.conf(5) */
import type { ArmedNetwork } from '../config/armed-network.ts';
import type { System } from '../sys/system.ts';

const path = '/etc/resolv.conf';
/** The C library asks no more than three, and looks in no more than six domains in all versions. @source resolv.h, MAXNS, MAXDNSRCH */
const mostServers = 3;
const mostDomains = 6;
/** One server that is silent must not keep the rest waiting. */
const options = 'options timeout:2 attempts:2';

/** @param nameOf what a link of the running system is called here; a name server with a zone, `fe80::1%eth0`, is on a link. */
export function formatResolver({ nameServers, searchDomains }: ArmedNetwork, nameOf: (link: string) => string): string {
  const servers = nameServers.filter((server) => /^[0-9A-Fa-f:.]+(%[^\s/]+)?$/.test(server)).slice(0, mostServers);
  const domains = searchDomains.filter((domain) => /^[A-Za-z0-9._-]+$/.test(domain)).slice(0, mostDomains);
  const lines = servers.map((server) => {
    const [address, zone] = server.split('%');
    return `nameserver ${address}${zone === undefined ? '' : `%${nameOf(zone)}`}`;
  });
  return [...lines, ...(domains.length === 0 ? [] : [`search ${domains.join(' ')}`]), options, ''].join('\n');
}

/**
 * Writes it unless it says the same already. Without any name server known, what is there stays.
 *
 * @throws FilesError
 */
export function writeResolver({ files }: Pick<System, 'files'>, network: ArmedNetwork, nameOf: (link: string) => string): void {
  if (network.nameServers.length === 0) return;
  const text = formatResolver(network, nameOf);
  if (files.readTextIfThere(path, 64 * 1024) === text) return;
  // A link may lead to where nothing is: the file takes its place.
  if (files.readLink(path) !== undefined) files.remove(path);
  files.makeFolder('/etc');
  files.write(path, text);
}
