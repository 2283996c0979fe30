/**
 * The network of the image that is there, for times when this machine's own does not lead to the targets: at boot, arming comes before the network is up, and an
 * image that knew the way must not give way to one that knows none.
 *
 * Comes in: the plan beside the image. Goes out: whether its network stands in.
 */
import { readPlan } from '../../capture/plan.ts';
import type { ArmedNetwork } from '../../config/armed-network.ts';
import { type ArmedPlan, type ArmedTarget, isOnNetwork } from '../../config/armed-plan.ts';
import { KcaptureError } from '../../errors.ts';
import { isInPrefix } from '../../linux/netlink/ip-address.ts';
import type { System } from '../../sys/system.ts';
import { hostPaths, planPath } from '../paths.ts';
import type { ResolvedNetwork } from './resolve-network.ts';

export type EarlierPlan = Pick<ArmedPlan, 'targets' | 'network' | 'builtAt'>;

/** Of this release, else the newest of another; `undefined`: there is none that can be read. */
export function readEarlierPlan(system: System, release: string): EarlierPlan | undefined {
  const own = tryRead(system, planPath(release));
  if (own !== undefined) return own;
  const names = system.files.list(hostPaths.state).filter((name) => /^kcapture-.+\.json$/.test(name));
  const plans = names.flatMap((name) => tryRead(system, `${hostPaths.state}/${name}`) ?? []);
  return plans.sort((a, b) => (a.builtAt < b.builtAt ? 1 : -1)).at(0);
}

function tryRead(system: System, path: string): EarlierPlan | undefined {
  try {
    return readPlan(system, path);
  } catch (error) {
    if (error instanceof KcaptureError) return undefined;
    throw error;
  }
}

/** A name that cannot be looked up now has the addresses it had. */
export function withEarlierAddresses(target: ArmedTarget, earlier: EarlierPlan | undefined): ArmedTarget {
  if (!isOnNetwork(target) || target.addresses.length > 0) return target;
  const same = earlier?.targets.find((one) => one.kind === target.kind && one.wish === target.wish);
  return same !== undefined && isOnNetwork(same) ? { ...target, addresses: same.addresses } : target;
}

/** The earlier network when it leads to a server to which none leads now; one to which it never led is no reason. */
export function chooseEarlier({ notNow }: ResolvedNetwork, earlier: EarlierPlan | undefined): ArmedNetwork | undefined {
  const network = earlier?.network;
  if (network === undefined) return undefined;
  return [...notNow.keys()].some((address) => leadsTo(network, address)) ? network : undefined;
}

function leadsTo({ routes, addresses }: ArmedNetwork, server: string): boolean {
  const prefixes = [...routes.map(({ destination }) => destination), ...addresses.map(({ address }) => address)];
  return prefixes.some((prefix) => {
    const [address, length] = prefix.split('/');
    return isInPrefix(server, address, Number(length));
  });
}
