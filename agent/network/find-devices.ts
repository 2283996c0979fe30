/** Waits for the devices of the plan: drivers were loaded a moment ago, and some take seconds to find their cards. */
import { type ArmedDevice, matchByName, matchDevices } from './match-device.ts';
import { NetworkUpError } from './network-up-error.ts';
import type { BringUp } from './run.ts';
import { amount, waitForAll } from './wait-for-all.ts';

/** Cards of one machine come together. */
const graceMs = 10_000;

/** Puts what it finds into `run.links`. @throws NetworkUpError `network-up/no-device` when there is none of them. */
export function findDevices(run: BringUp, endsAt: number): void {
  const { system, routes, onWait, note } = run;
  const armed = run.network.links.filter((link): link is ArmedDevice => link.kind === 'device');
  if (armed.length === 0) return;
  let matches = matchDevices(armed, routes.links());
  waitForAll(system, { endsAt, graceMs, onWait }, () => {
    matches = matchDevices(armed, routes.links());
    return amount(matches.found.size, armed.length);
  });
  const present = routes.links();
  const taken = new Set([...matches.found.values()].map(({ index }) => index));
  const named = matchByName(
    matches.missing,
    present.filter(({ index }) => !taken.has(index)),
  );
  for (const [name, { address }] of named.found) {
    note(`${name} is taken to be the device of that name and driver, though its address is ${address}`);
  }
  for (const device of named.missing) note(`${describe(device)} is not there`);
  for (const [name, link] of [...matches.found, ...named.found]) {
    run.links.set(name, { index: link.index, name: link.name });
    if (name !== link.name) note(`${name} is called ${link.name} here`);
  }
  if (run.links.size > 0) return;
  const there = present.filter(({ name }) => name !== 'lo').map(({ name, address }) => `${name} ${address}`);
  throw new NetworkUpError(
    'network-up/no-device',
    `Cannot put the network up: ${named.missing.map(describe).join(', ')} did not appear; there is ${there.join(', ') || 'no network device'}`,
    { hint: `Is the driver in the image? Load it anew: kcapture load --rebuild; or name the driver in extra_modules` },
  );
}

function describe({ name, permanentAddress, driver }: ArmedDevice): string {
  return `${name} (${permanentAddress}${driver === undefined ? '' : `, ${driver}`})`;
}
