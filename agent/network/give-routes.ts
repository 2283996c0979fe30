/** Lays the ways of the plan: what is on a link first, since gateways are found by it. */
import type { ArmedRoute } from '../config/armed-network.ts';
import type { Leases } from './renew-leases.ts';
import type { NewRoute } from './route-control.ts';
import { type BringUp, noting } from './run.ts';

/** Of the second and later ways to one destination: behind all that the kernel makes by itself. */
const laterMetric = 2048;

export function giveRoutes(run: BringUp, leases: Leases): void {
  const { routes } = run.network;
  const seen = new Map<string, number>();
  for (const route of [
    ...routes.filter(({ gateway }) => gateway === undefined),
    ...routes.filter(({ gateway }) => gateway !== undefined),
  ]) {
    const here = run.links.get(route.link);
    if (here === undefined) continue;
    const earlier = seen.get(route.destination) ?? 0;
    seen.set(route.destination, earlier + 1);
    const way = planRoute(route, here.index, earlier, addressesOf(run, leases), leases.get(route.link)?.gateway);
    const by = way.gateway === undefined ? `on ${here.name}` : `by ${way.gateway} on ${here.name}`;
    noting(run, `the way to ${route.destination} ${by}`, () => run.routes.addRoute(way));
  }
}

/**
 * @param earlier ways to the same destination that come before.
 * @param ours without prefix lengths: a way may only leave from one of these.
 * @param lentGateway takes the place of the old one for whatever leads everywhere.
 */
export function planRoute(
  { destination, gateway: armedGateway, source }: ArmedRoute,
  link: number,
  earlier: number,
  ours: ReadonlySet<string>,
  lentGateway: string | undefined,
): NewRoute {
  const gateway = destination === '0.0.0.0/0' && armedGateway !== undefined ? (lentGateway ?? armedGateway) : armedGateway;
  return {
    link,
    destination,
    gateway,
    source: source !== undefined && ours.has(source) ? source : undefined,
    // Clouds have gateways outside the prefix of the address. A link-local one is always on its link.
    onLink: gateway !== undefined && !gateway.toLowerCase().startsWith('fe80:'),
    metric: earlier === 0 ? undefined : laterMetric + earlier,
  };
}

/** What this machine has, on all links of the plan. */
function addressesOf({ network, routes, links }: BringUp, leases: Leases): ReadonlySet<string> {
  const names = [...new Set([...network.addresses.map(({ link }) => link), ...leases.keys()])];
  const indices = names.map((name) => links.get(name)?.index).filter((index) => index !== undefined);
  return new Set(indices.flatMap((index) => routes.addresses(index)).map((address) => address.split('/')[0]));
}
