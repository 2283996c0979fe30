/** Gives the links their addresses: those of the running system, or what a server lent anew. */
import type { ArmedAddress } from '../config/armed-network.ts';
import { isStale, type Leases } from './renew-leases.ts';
import { type BringUp, type LinkHere, noting } from './run.ts';

export function giveAddresses(run: BringUp, leases: Leases): void {
  for (const address of run.network.addresses) {
    const here = run.links.get(address.link);
    if (here !== undefined) giveOne(run, here, address, leases.get(address.link)?.address);
  }
}

function giveOne(run: BringUp, here: LinkHere, armed: ArmedAddress, lent: string | undefined): void {
  const { routes } = run;
  const stale = isStale(armed, run.nowMs);
  const isLentAnew = stale && lent !== undefined && !armed.address.includes(':');
  const address = isLentAnew ? lent : armed.address;
  const what = `the address ${address} of ${armed.link}`;
  const isGiven = noting(run, what, () => {
    if (address.includes(':')) allowIpv6(run, here);
    if (isLentAnew && lent !== armed.address && routes.addresses(here.index).includes(armed.address))
      routes.removeAddress(here.index, armed.address);
    routes.addAddress(here.index, address);
  });
  if (!isGiven || !stale || isLentAnew) return;
  const endedAt = new Date(armed.validUntilMs ?? 0).toISOString();
  run.note(`${what} was lent until ${endedAt} and is used all the same: another machine may have it by now`);
}

/** An image may have it switched off. @source Documentation/networking/ip-sysctl.rst */
function allowIpv6({ system: { files } }: BringUp, { name }: LinkHere): void {
  const path = `/proc/sys/net/ipv6/conf/${name}/disable_ipv6`;
  if (files.readTextIfThere(path, 16)?.trim() === '1') files.writeExisting(path, '0');
}
