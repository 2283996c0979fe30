/**
 * Waits until the links that lead somewhere have their carrier. That of a bond comes with its members, that of a bridge when one of its ports forwards, that of
 * a VLAN with its parent's.
 */
import { type BringUp, endLinks } from './run.ts';
import { amount, waitForAll } from './wait-for-all.ts';

/** Cables of one machine come up together; one that is not plugged in never does. */
const graceMs = 10_000;

export function waitForCarriers(run: BringUp, endsAt: number): void {
  const names = [...endLinks(run.network)].filter((name) => run.links.has(name));
  const waiting = () => {
    const present = run.routes.links();
    return names.filter((name) => !present.some(({ index, hasCarrier }) => index === run.links.get(name)?.index && hasCarrier));
  };
  let silent: readonly string[] = [];
  waitForAll(run.system, { endsAt, graceMs, onWait: run.onWait }, () => {
    silent = waiting();
    return amount(names.length - silent.length, names.length);
  });
  for (const name of silent) run.note(`${name} has no carrier: is its cable plugged in, and the port of the switch on?`);
}
