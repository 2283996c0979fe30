/**
 * The network for the targets that need one: what of it travels in the plan, what it asks of the image, and which targets it never leads to.
 */
import type { ArmedNetwork } from '../../config/armed-network.ts';
import { type ArmedTarget, isOnNetwork, type NetworkTarget } from '../../config/armed-plan.ts';
import { dhcpClients } from '../../network/dhcp-clients.ts';
import { findDhcpClient } from '../../network/find-dhcp-client.ts';
import type { System } from '../../sys/system.ts';
import { chooseEarlier, type EarlierPlan, withEarlierAddresses } from './earlier-network.ts';
import { createNeeds, type Needs } from './needs.ts';
import { type ResolvedNetwork, resolveNetwork } from './resolve-network.ts';

export type ArmedTargets = {
  /** In the same order; those that a capture kernel never reaches are `unsupported`. */
  readonly targets: readonly ArmedTarget[];
  /** `undefined`: no target needs it, or none can be reached now. */
  readonly network: ArmedNetwork | undefined;
  readonly needs: Needs;
};

/** Drivers of links that are made. A kernel may have them built in. */
const linkModules: Readonly<Record<string, readonly string[]>> = { vlan: ['8021q'], bond: ['bonding'], bridge: ['bridge'], device: [] };

/** @param earlier what the image that is there knows: it stands in where the network is not up now. */
export function armNetwork(system: System, wanted: readonly ArmedTarget[], earlier?: EarlierPlan): ArmedTargets {
  const targets = wanted.map((target) => withEarlierAddresses(target, earlier));
  const onNetwork = targets.filter(isOnNetwork);
  const needs = createNeeds();
  if (onNetwork.length === 0) return { targets, network: undefined, needs };
  const resolved = resolveNetwork(
    system,
    onNetwork.flatMap(({ addresses }) => addresses),
  );
  const kept = chooseEarlier(resolved, earlier);
  const network = kept ?? resolved.network;
  needs.warnings.push(
    ...resolved.warnings,
    ...(kept === undefined
      ? onNetwork.flatMap((target) => missingWay(target, resolved))
      : [`This machine's network does not lead to every target now: what was armed at ${earlier?.builtAt} is kept.`]),
  );
  const marked = targets.map((target) => (isOnNetwork(target) ? withoutDeadEnd(target, resolved) : target));
  if (network.links.length === 0) return { targets: marked, network: undefined, needs };
  addNeeds(system, network, needs);
  return { targets: marked, network, needs };
}

function withoutDeadEnd(target: NetworkTarget, { never }: ResolvedNetwork): ArmedTarget {
  const [first] = target.addresses;
  if (first === undefined || !target.addresses.every((address) => never.has(address))) return target;
  return { kind: 'unsupported', wish: target.wish, why: never.get(first) as string };
}

/** One address with a way is enough: a server has others that this machine never uses. */
function missingWay({ wish, addresses }: NetworkTarget, { notNow, never }: ResolvedNetwork): readonly string[] {
  const dead = addresses.filter((address) => notNow.has(address) || never.has(address));
  if (dead.length === 0 || dead.length < addresses.length) return [];
  const reasons = new Set(dead.map((address) => notNow.get(address) ?? never.get(address)));
  const remedy = dead.some((address) => notNow.has(address)) ? 'When it can be reached: kcapture load --rebuild' : 'Name another target';
  return [`The target "${wish}" (${dead.join(', ')}) is out of reach in the capture kernel: ${[...reasons].join('; ')}. ${remedy}.`];
}

function addNeeds(system: System, { links, addresses, leased }: ArmedNetwork, needs: Needs): void {
  for (const link of links) {
    if (link.kind !== 'device') continue;
    needs.networkDevices.push(link.name);
    const isHere = system.files.status(`/sys/class/net/${link.name}`) !== undefined;
    if (!isHere && link.driver !== undefined) needs.optionalModules.push(link.driver);
  }
  needs.modules.push(...new Set(links.flatMap(({ kind }) => linkModules[kind])));
  if (addresses.some(({ address }) => address.includes(':'))) needs.optionalModules.push('ipv6');
  if (leased.length > 0) addLeaseNeeds(system, leased, needs);
}

/** What asks for a lease anew when the one of now is over. */
function addLeaseNeeds(system: System, leased: readonly string[], needs: Needs): void {
  const found = findDhcpClient(system.programs);
  if (found === undefined) {
    const names = dhcpClients.map(({ program }) => program).join(', ');
    needs.warnings.push(
      `The address of ${leased.join(', ')} comes by DHCP and no client for it is installed (${names}): in the capture kernel it is used even when its lease is over.`,
    );
    return;
  }
  // The client's script calls mv; clients talk to the server by sockets of this family.
  needs.programs.push(found.client.program, 'mv');
  needs.optionalModules.push('af_packet');
}
