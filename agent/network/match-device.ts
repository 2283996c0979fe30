/**
 * Which device here is which of the running system: by its burnt-in address, since names are given in the order in which drivers come.
 *
 * Several devices may have one address (a virtual function and the paravirtual card it belongs to): driver and name tell them apart then.
 */
import type { ArmedLink } from '../config/armed-network.ts';
import type { PresentLink } from './present-links.ts';

export type ArmedDevice = Extract<ArmedLink, { kind: 'device' }>;

/** Links made from others, with the address of those. @source linux/if_link.h, IFLA_INFO_KIND */
const madeKinds: ReadonlySet<string> = new Set(['vlan', 'bond', 'bridge', 'macvlan', 'macvtap', 'ipvlan', 'ipvtap', 'team', 'hsr', 'vrf']);
/** Zeros alone, or none. */
const noAddress = /^[0:]*$/;

export type DeviceMatches = {
  /** By the name of the armed device. */
  readonly found: ReadonlyMap<string, PresentLink>;
  readonly missing: readonly ArmedDevice[];
};

/** Every device here stands for one armed device at most. */
export function matchDevices(armed: readonly ArmedDevice[], present: readonly PresentLink[]): DeviceMatches {
  return matchBy(armed, present, (device, link) => {
    const address = device.permanentAddress.toLowerCase();
    return !noAddress.test(address) && (link.permanentAddress ?? link.address) === address;
  });
}

/** For devices that have another address at every start: those that `matchDevices` missed, by driver and name together. */
export function matchByName(missing: readonly ArmedDevice[], present: readonly PresentLink[]): DeviceMatches {
  return matchBy(missing, present, (device, link) => device.name === link.name && device.driver === link.driver);
}

function matchBy(
  armed: readonly ArmedDevice[],
  present: readonly PresentLink[],
  isSame: (device: ArmedDevice, link: PresentLink) => boolean,
): DeviceMatches {
  const found = new Map<string, PresentLink>();
  const missing: ArmedDevice[] = [];
  const taken = new Set<number>();
  for (const device of armed) {
    const candidates = present.filter((link) => !madeKinds.has(link.kind ?? '') && !taken.has(link.index) && isSame(device, link));
    const best = candidates.sort((a, b) => likeness(device, b) - likeness(device, a)).at(0);
    if (best === undefined) {
      missing.push(device);
      continue;
    }
    taken.add(best.index);
    found.set(device.name, best);
  }
  return { found, missing };
}

function likeness(device: ArmedDevice, link: PresentLink): number {
  return (device.driver !== undefined && device.driver === link.driver ? 2 : 0) + (device.name === link.name ? 1 : 0);
}
