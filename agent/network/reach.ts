/**
 * How a server would be reached from here, and whether the first machine on the way answers: what an administrator wants to read when it could not be.
 *
 * The kernel is asked for the way, and is made to ask for the neighbour. A switch that has just seen its port come up may let nothing through for half a minute:
 * waiting for the neighbour is waiting for that.
 */
import type { System } from '../sys/system.ts';
import { createKernelRoutes } from './kernel-routes.ts';
import type { PresentLink } from './present-links.ts';
import type { NeighbourState, RouteControl, Way } from './route-control.ts';
import { waitForAll } from './wait-for-all.ts';

export type Reach = {
  /** The neighbour answers, or there is none to ask. */
  readonly isOpen: boolean;
  /** For the log. */
  readonly sentence: string;
};

export type ReachOptions = { readonly limitMs: number; readonly onWait?: () => void };

/** Between two questions: the kernel sends three a second apart, and gives up. */
const askEveryMs = 3_000;

/**
 * Waits until the way to one of the addresses is open.
 *
 * @param addresses numeric, of one server, in the order in which they will be tried.
 * @returns the first that is open, else what is wrong with each.
 */
export function waitForReach(system: System, addresses: readonly string[], { limitMs, onWait = () => {} }: ReachOptions): Reach {
  if (addresses.length === 0) return { isOpen: false, sentence: 'no address of the server is known yet' };
  const routes = createKernelRoutes(system);
  const endsAt = system.now() + limitMs;
  let found: readonly Reach[] = [];
  let nextAskAt = 0;
  waitForAll(system, { endsAt, graceMs: 0, onWait }, () => {
    const asks = system.now() >= nextAskAt;
    if (asks) nextAskAt = system.now() + askEveryMs;
    found = addresses.map((address) => lookAt(routes, address, asks));
    return found.some(({ isOpen }) => isOpen) ? 'all' : 'none';
  });
  const open = found.find(({ isOpen }) => isOpen);
  return open ?? { isOpen: false, sentence: found.map(({ sentence }) => sentence).join('; ') };
}

function lookAt(routes: RouteControl, address: string, asks: boolean): Reach {
  try {
    const way = routes.wayTo(address);
    if (way === undefined) return { isOpen: false, sentence: `there is no way to ${address}: no route fits it` };
    const link = routes.links().find(({ index }) => index === way.link);
    if (link?.name === 'lo') return { isOpen: true, sentence: `${address} is this machine itself` };
    const next = way.gateway ?? address;
    if (asks && routes.neighbour(way.link, next).state !== 'answers') routes.askNeighbour(way.link, next);
    const neighbour = routes.neighbour(way.link, next);
    const sentence = `${describeWay(address, way, link)} ${next} ${meanings[neighbour.state]}${neighbour.address === undefined ? '' : ` as ${neighbour.address}`}`;
    return { isOpen: neighbour.state === 'answers', sentence };
  } catch (error) {
    return { isOpen: false, sentence: `the way to ${address} cannot be found: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const meanings: Readonly<Record<NeighbourState, string>> = {
  answers: 'answers',
  asking: 'does not answer',
  silent: 'does not answer',
  unknown: 'has not been asked',
};

/** `the way to 203.0.113.9 is eth0 (up, carrier) from 192.0.2.7 by the gateway`, for the gateway's address to follow. */
function describeWay(address: string, { gateway, source }: Way, link: PresentLink | undefined): string {
  const state =
    link === undefined ? 'an unknown link' : `${link.name} (${link.isUp ? 'up' : 'down'}, ${link.hasCarrier ? 'carrier' : 'no carrier'})`;
  const from = source === undefined ? '' : ` from ${source}`;
  return `the way to ${address} is ${state}${from}${gateway === undefined ? ', straight:' : ', by the gateway:'}`;
}
