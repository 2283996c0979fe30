/** What the steps of putting the network up share. */
import type { ArmedNetwork } from '../config/armed-network.ts';
import type { System } from '../sys/system.ts';
import type { RouteControl } from './route-control.ts';

/** A link here, for one of the plan. */
export type LinkHere = { readonly index: number /** Here. */; readonly name: string };

export type BringUp = {
  readonly system: System;
  readonly network: ArmedNetwork;
  readonly routes: RouteControl;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly note: (sentence: string) => void;
  readonly onWait: () => void;
  /** By the names of the plan; grows while links are found and made. */
  readonly links: Map<string, LinkHere>;
};

/** One step that may fail without the rest: then it is told. @returns whether it went well. */
export function noting({ note }: BringUp, what: string, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    note(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Links that lead somewhere: those with an address or a way of the plan. */
export function endLinks({ addresses, routes }: ArmedNetwork): ReadonlySet<string> {
  return new Set([...addresses, ...routes].map(({ link }) => link));
}
