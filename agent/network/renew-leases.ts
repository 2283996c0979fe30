/**
 * Asks for a new address where the lease of the old one is over: somebody else may have it by now.
 *
 * An address is asked for where the image has a program that can; without one, and without an answer, the old one is used all the same, and that is told.
 */
import type { ArmedAddress } from '../config/armed-network.ts';
import { type DhcpFiles, dhcpClients } from './dhcp-clients.ts';
import { findDhcpClient, type FoundClient } from './find-dhcp-client.ts';
import { type Lease, parseLease } from './lease.ts';
import { leaseScript } from './lease-script.ts';
import type { BringUp, LinkHere } from './run.ts';

/** By the names of the plan. */
export type Leases = ReadonlyMap<string, Lease>;

const folder = '/run/kcapture/dhcp';
/** A server that is there answers within seconds. */
const mostMs = 20_000;
const leastMs = 4_000;
/** For a client to say itself that there was no answer. */
const marginMs = 3_000;

/** True when the address was lent, and not for that long. */
export function isStale({ validUntilMs }: ArmedAddress, nowMs: number): boolean {
  return validUntilMs !== undefined && validUntilMs <= nowMs;
}

export function renewLeases(run: BringUp, endsAt: number): Leases {
  const leases = new Map<string, Lease>();
  for (const name of staleLinks(run)) {
    const link = run.links.get(name);
    const lease = link === undefined ? undefined : renew(run, name, link, endsAt);
    if (lease === undefined) continue;
    run.note(`${name}: its lease was over, and a server gave it ${lease.address}`);
    leases.set(name, lease);
  }
  return leases;
}

/** Those whose IPv4 addresses all came by DHCP and are over. */
function staleLinks({ network, nowMs }: BringUp): readonly string[] {
  return network.leased.filter((name) => {
    const addresses = network.addresses.filter(({ link, address }) => link === name && !address.includes(':'));
    return addresses.length > 0 && addresses.every((address) => isStale(address, nowMs));
  });
}

function renew(run: BringUp, name: string, link: LinkHere, endsAt: number): Lease | undefined {
  const { system } = run;
  const found = findDhcpClient(system.programs);
  if (found === undefined) {
    run.note(`${name}: its lease is over, and the image holds none of ${dhcpClients.map(({ program }) => program).join(', ')}`);
    return undefined;
  }
  const files = { script: `${folder}/script`, leases: `${folder}/leases`, processId: `${folder}/pid` };
  const leasePath = `${folder}/lease.${link.index}`;
  system.files.makeFolder(folder, 0o700);
  system.files.remove(leasePath);
  system.files.write(files.script, leaseScript(leasePath), 0o700);
  const failed = ask(run, found, link, files, Math.max(leastMs, Math.min(mostMs, endsAt - system.now())));
  const lease = parseLease(system.files.readTextIfThere(leasePath, 4096) ?? '');
  if (lease === undefined) run.note(`${name}: its lease is over, and ${found.client.program} got no new one${failed}`);
  return lease;
}

/** @returns what it said, to go on a sentence with; empty when it ended well. */
function ask({ system, onWait }: BringUp, { client, path }: FoundClient, { name }: LinkHere, files: DhcpFiles, timeoutMs: number): string {
  onWait();
  const { status, stderr } = system.programs.run(client.argv(path, name, files, Math.floor(timeoutMs / 1000)), {
    timeoutMs: timeoutMs + marginMs,
  });
  onWait();
  if (client.stop !== undefined) system.programs.run(client.stop(path, name, files), { timeoutMs: leastMs });
  if (status === 0) return '';
  const said = stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
  return `: it ended with ${status}${said === '' ? '' : `, saying "${said}"`}`;
}
