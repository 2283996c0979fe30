/**
 * Runs under Bun, in a network namespace that somebody has furnished: what the product says of it. Prints one JSON object.
 *
 *     bun resolve-network-driver.ts resolve FOLDER ADDRESS…   the plan for these servers; FOLDER stands for / where files are read
 *     bun resolve-network-driver.ts refused                   requests the kernel refuses, and the limits of time and size
 *     bun resolve-network-driver.ts raw ADDRESS…              the kernel's own bytes: links, addresses, and the ways there
 */
import { resolveNetwork } from '../host/plan/resolve-network.ts';
import { buildAddressesRequest } from '../linux/netlink/addresses.ts';
import { buildLinksRequest } from '../linux/netlink/links.ts';
import { buildMessage } from '../linux/netlink/message.ts';
import { buildWayRequest } from '../linux/netlink/routes.ts';
import { createBunSystem } from '../sys/bun-system.ts';
import { createFiles } from '../sys/machine-files.ts';
import { outcomeOf } from './file-scenario.ts';

const system = createBunSystem();
const { kernel } = system;
const timeoutMs = 5_000;
const [action, ...words] = process.argv.slice(2);
const actions: Readonly<Record<string, () => unknown>> = {
  resolve: () => resolve(words[0], words.slice(1)),
  refused: tryRefused,
  raw: () => ({
    links: ask(buildLinksRequest()),
    addresses: ask(buildAddressesRequest()),
    ways: words.flatMap((address) => [ask(buildWayRequest(address, 'packet')), ask(buildWayRequest(address, 'route'))]),
  }),
};
system.print(JSON.stringify(actions[action]()));

function resolve(folder: string, addresses: readonly string[]): unknown {
  const before = kernel.wallClockMs();
  const { network, notNow, never, warnings } = resolveNetwork({ kernel, files: createFiles({ root: folder }) }, addresses);
  const lifetimes = network.addresses.map(({ validUntilMs }) =>
    validUntilMs === undefined ? null : Math.round((validUntilMs - before) / 60_000),
  );
  return { ...network, lifetimes, notNow: Object.fromEntries(notNow), never: Object.fromEntries(never), warnings };
}

function ask(request: Uint8Array): readonly string[] {
  return kernel.routeNetlink(request, timeoutMs).map((message) => Buffer.from(message).toString('hex'));
}

function tryRefused(): unknown {
  const newLink = 16;
  const getLink = 18;
  const unknownType = 2000;
  const noDevice = new Uint8Array(16).fill(0x70, 4, 7);
  const send = (message: Uint8Array, limitMs = timeoutMs) => outcomeOf(() => kernel.routeNetlink(message, limitMs));
  return {
    'no such device': send(buildMessage(getLink, 0, noDevice)),
    'a kind that nobody makes': send(
      buildMessage(newLink, 0x600, new Uint8Array(16), [[18, Uint8Array.of(8, 0, 1, 0, 0x78, 0x78, 0x78, 0)]]),
    ),
    'a type that nobody knows': send(buildMessage(unknownType, 0, new Uint8Array(16))),
    'a length that is wrong': send(buildLinksRequest().subarray(0, 20)),
    'more than a request holds': send(buildMessage(getLink, 0, new Uint8Array(70_000))),
    'no time': send(buildLinksRequest(), 0),
    'time that is no number': send(buildLinksRequest(), Number.NaN),
    'burnt-in address of nothing': outcomeOf(() => kernel.permanentAddress('nothing')),
    'burnt-in address of the loopback': outcomeOf(() => kernel.permanentAddress('lo')),
    'a name too long': outcomeOf(() => kernel.permanentAddress('x'.repeat(16))),
    'a time that is none': [Number.NaN, -1, Number.POSITIVE_INFINITY].map((ms) => outcomeOf(() => kernel.setWallClock(ms))),
  };
}
