/**
 * One link and all it lies on, down to the cards: what the capture kernel has to find or make before packets leave by it.
 *
 * Comes in: the kernel's links. Goes out: links in the order in which they are made, or why the capture kernel cannot have them.
 */
import type { ArmedLink } from '../../config/armed-network.ts';
import type { KernelLink } from '../../linux/netlink/links.ts';
import type { System } from '../../sys/system.ts';

type Facts = Pick<System, 'files' | 'kernel'>;
/** `problem`: nothing of it can be used. */
export type LinkChain = {
  readonly links: readonly ArmedLink[];
  readonly warnings: readonly string[];
  readonly problem: string | undefined;
};

/** ARPHRD_… @source linux/if_arp.h */
const hardware = { ethernet: 1, infiniband: 32 } as const;
/** Of a card that has none: the capture kernel goes by name and driver. */
const noAddress = '00:00:00:00:00:00';
/** Bonds of VLANs of bonds… end somewhere. */
const mostLayers = 8;

/**
 * @param top where packets leave.
 * @param all of this network namespace.
 */
export function readLinkChain(system: Facts, top: KernelLink, all: readonly KernelLink[]): LinkChain {
  return collect(system, top, all, undefined, mostLayers);
}

function collect(system: Facts, link: KernelLink, all: readonly KernelLink[], master: string | undefined, layers: number): LinkChain {
  const facts = { name: link.name, address: link.address ?? noAddress, mtu: link.mtu, master };
  if (layers === 0) return failed(`more than ${mostLayers} links lie above each other`);
  if (link.kind === undefined || link.kind === 'veth') return collectDevice(system, link, facts);
  if (link.made === undefined) return failed(`${link.name} is a link of the kind ${link.kind}, which is not made in the capture kernel`);
  if (link.made.kind === 'vlan') {
    const parent = link.isParentElsewhere ? undefined : all.find(({ index }) => index === link.parent);
    if (parent === undefined) return failed(`what the VLAN ${link.name} lies on is in another network namespace`);
    const below = collect(system, parent, all, undefined, layers - 1);
    return { ...below, links: [...below.links, { ...facts, ...link.made, parent: parent.name }] };
  }
  const members = all.filter((one) => one.master === link.index && (link.kind === 'bond' || isUplink(one)));
  return collectMembers(
    { ...facts, ...link.made },
    members.map((one) => collect(system, one, all, link.name, layers - 1)),
  );
}

/** Ports for guests and containers are none of ours. */
function isUplink({ kind }: KernelLink): boolean {
  return kind === undefined || kind === 'bond' || kind === 'vlan';
}

/** A member that cannot be had is told; without any, the whole cannot be had. */
function collectMembers(link: Extract<ArmedLink, { kind: 'bond' | 'bridge' }>, members: readonly LinkChain[]): LinkChain {
  const good = members.filter(({ problem }) => problem === undefined);
  const problems = members.flatMap(({ problem }) => problem ?? []);
  const warnings = members.flatMap((member) => member.warnings);
  if (good.length === 0)
    return failed(problems[0] ?? `the ${link.kind} ${link.name} has no ${link.kind === 'bond' ? 'members' : 'card among its ports'}`);
  return { links: [link, ...good.flatMap(({ links }) => links)], warnings: [...warnings, ...problems], problem: undefined };
}

function collectDevice(
  { files, kernel }: Facts,
  link: KernelLink,
  facts: Pick<ArmedLink, 'name' | 'address' | 'mtu' | 'master'>,
): LinkChain {
  const { name } = link;
  const folder = `/sys/class/net/${name}`;
  if (files.status(`${folder}/phy80211`) !== undefined) return failed(`${name} is wireless, which is not brought up in the capture kernel`);
  if (link.hardware === hardware.infiniband) return failed(`${name} is InfiniBand, which is not brought up in the capture kernel`);
  if (link.hardware !== hardware.ethernet)
    return failed(`${name} is a tunnel or another link without a card, which is not made in the capture kernel`);
  const driver = files.readLink(`${folder}/device/driver`)?.split('/').at(-1);
  const permanentAddress = link.permanentAddress ?? kernel.permanentAddress(name);
  const warnings = [
    ...(link.kind === undefined
      ? []
      : [`${name} is made by software (${link.kind}): the capture kernel has it only when something else makes it`]),
    ...(permanentAddress === undefined
      ? [`${name} has no address of its own: it is found by its name, which may be another's in the capture kernel`]
      : []),
  ];
  return { links: [{ ...facts, kind: 'device', permanentAddress: permanentAddress ?? noAddress, driver }], warnings, problem: undefined };
}

function failed(problem: string): LinkChain {
  return { links: [], warnings: [], problem };
}
