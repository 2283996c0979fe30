/** Makes bonds, bridges and VLANs, puts members into them, and raises everything, in the order of the plan. */
import type { ArmedLink } from '../config/armed-network.ts';
import { KcaptureError } from '../errors.ts';
import { findMade, freeName } from './made-links.ts';
import type { PresentLink } from './present-links.ts';
import type { NewLink, VirtualLink } from './route-control.ts';
import { type BringUp, noting } from './run.ts';

/** A link that cannot be had is told, and so is all that lies on it. */
export function makeLinks(run: BringUp): void {
  for (const link of run.network.links) {
    noting(run, link.name, () => {
      if (link.kind !== 'device') makeOne(run, link);
      const here = run.links.get(link.name);
      if (here !== undefined) settle(run, link, here.index);
    });
  }
}

/** @throws KernelCallError, or Error with what it lies on. */
function makeOne(run: BringUp, link: VirtualLink): void {
  const { routes, system, links } = run;
  const parent = link.kind === 'vlan' ? links.get(link.parent)?.index : undefined;
  if (link.kind === 'vlan' && parent === undefined) throw new Error(`it lies on ${link.parent}, which is not there`);
  const present = routes.links();
  const made = findMade(system, link, parent, present);
  if (made?.isRight === true) {
    links.set(link.name, made.link);
    return;
  }
  if (made !== undefined) routes.removeLink(made.link.index);
  const name = freeName(link.name, made === undefined ? present : routes.links());
  makeKind(run, { name, link, parent });
  const fresh = routes.links().find((other) => other.name === name);
  if (fresh === undefined) throw new Error('it was made and is not there');
  links.set(link.name, fresh);
}

/** @source drivers/net/bonding, net/bridge, net/8021q */
const drivers = { bond: 'bonding', bridge: 'bridge', vlan: '8021q' } as const;

function makeKind({ routes }: BringUp, wanted: NewLink): void {
  try {
    routes.makeLink(wanted);
  } catch (error) {
    if (!(error instanceof KcaptureError) || error.code !== 'kernel/eopnotsupp') throw error;
    throw new Error(`the kernel makes no ${wanted.link.kind}: its driver ${drivers[wanted.link.kind]} is not in the image`);
  }
}

/** Address, members and MTU while it is down, where the kernel wants that; then up. */
function settle(run: BringUp, link: ArmedLink, index: number): void {
  const { routes } = run;
  const now = presentLink(run, index);
  const master = link.master === undefined ? undefined : run.links.get(link.master);
  if (link.master !== undefined && master === undefined) run.note(`${link.name}: it belongs into ${link.master}, which is not there`);
  const isBonded = run.network.links.some((other) => other.name === link.master && other.kind === 'bond');
  // A bond gives its own address and MTU to its members.
  if (!isBonded && link.address !== '' && link.address.toLowerCase() !== now.address) changeAddress(run, link, now);
  if (!isBonded && link.mtu !== now.mtu) noting(run, `the MTU of ${link.name}`, () => routes.changeLink(index, { mtu: link.mtu }));
  if (master !== undefined && now.master !== master.index) {
    if (now.isUp) routes.changeLink(index, { up: false });
    routes.changeLink(index, { master: master.index });
  }
  if (!presentLink(run, index).isUp) routes.changeLink(index, { up: true });
}

/** Few drivers change it while the link is up. */
function changeAddress(run: BringUp, { name, address }: ArmedLink, { index, isUp }: PresentLink): void {
  noting(run, `the address of ${name}`, () => {
    if (isUp) run.routes.changeLink(index, { up: false });
    run.routes.changeLink(index, { address });
  });
}

function presentLink({ routes }: BringUp, index: number): PresentLink {
  const link = routes.links().find((other) => other.index === index);
  if (link === undefined) throw new Error('it has gone');
  return link;
}
