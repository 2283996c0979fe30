/** What is there already of the links that are to be made. */
import type { System } from '../sys/system.ts';
import type { PresentLink } from './present-links.ts';
import type { VirtualLink } from './route-control.ts';

/** @source linux/if.h, IFNAMSIZ less its end */
const longestName = 15;

export type MadeLink = { readonly link: PresentLink /** False: it has to be made anew. */; readonly isRight: boolean };

/** @param parent index of what a VLAN lies on. */
export function findMade(
  system: Pick<System, 'files'>,
  link: VirtualLink,
  parent: number | undefined,
  present: readonly PresentLink[],
): MadeLink | undefined {
  if (link.kind === 'vlan') {
    // A link has one VLAN of a number, whatever its name is.
    const { id, protocol } = link;
    const same = present.find((other) => other.parent === parent && other.vlan?.id === id && other.vlan.protocol === protocol);
    return same === undefined ? undefined : { link: same, isRight: true };
  }
  const same = present.find((other) => other.kind === link.kind && other.name === link.name);
  if (same === undefined) return undefined;
  // The driver of bonds makes one by itself, of another mode, and the mode of a bond with members is fixed.
  const isRight = link.kind === 'bridge' || bondMode(system, same.name) === link.mode;
  return { link: same, isRight };
}

/** @source Documentation/networking/bonding.rst */
function bondMode({ files }: Pick<System, 'files'>, name: string): string | undefined {
  return files.readTextIfThere(`/sys/class/net/${name}/bonding/mode`, 256)?.split(' ')[0];
}

/** The wished name, or one that is not taken by a device that is called so here. */
export function freeName(wished: string, present: readonly PresentLink[]): string {
  const taken = new Set(present.map(({ name }) => name));
  const candidates = [wished.slice(0, longestName), ...Array.from({ length: taken.size + 1 }, (_, count) => `kcapture${count}`)];
  return candidates.find((name) => !taken.has(name)) ?? wished;
}
