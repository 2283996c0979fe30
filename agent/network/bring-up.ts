/**
 * Puts the network of the armed plan up in the capture kernel: devices, bonds, bridges and VLANs, addresses, ways, name servers.
 *
 * Comes in: what led to the targets on the healthy machine. Goes out: the same here, as far as it can be had; what could not be is told, and is no error as long
 * as one link works. What is there already and right is kept: an agent that died, or the image's own programs, may have been here before.
 */
import type { ArmedNetwork } from '../config/armed-network.ts';
import type { System } from '../sys/system.ts';
import { findDevices } from './find-devices.ts';
import { giveAddresses } from './give-addresses.ts';
import { giveRoutes } from './give-routes.ts';
import { createKernelRoutes } from './kernel-routes.ts';
import { makeLinks } from './make-links.ts';
import { requireWorking } from './require-working.ts';
import { writeResolver } from './resolver-file.ts';
import { type BringUp, noting } from './run.ts';
import { renewLeases } from './renew-leases.ts';
import { waitForCarriers } from './wait-for-carriers.ts';

export type BringUpOptions = {
  /** For all of it. */
  readonly limitMs: number;
  /** Milliseconds since 1970: leases are judged by it. */
  readonly nowMs: number;
  /** A sentence for the log. */
  readonly onNote: (sentence: string) => void;
  /** Called while it waits. */
  readonly onWait?: () => void;
};

/** Waits for devices no longer than this part of the time: links want some too. */
const devicesPart = 0.5;

/** @throws NetworkUpError with any of its codes when nothing is up that leads to a target. */
export function bringUpNetwork(system: System, network: ArmedNetwork, options: BringUpOptions): void {
  const startedAt = system.now();
  const endsAt = startedAt + options.limitMs;
  const onWait = options.onWait ?? (() => {});
  const run: BringUp = {
    system,
    network,
    routes: createKernelRoutes(system),
    nowMs: options.nowMs,
    note: options.onNote,
    onWait,
    links: new Map(),
  };
  raiseLoopback(run);
  findDevices(run, startedAt + options.limitMs * devicesPart);
  makeLinks(run);
  waitForCarriers(run, endsAt);
  const leases = renewLeases(run, endsAt);
  giveAddresses(run, leases);
  giveRoutes(run, leases);
  const nameServers = [...network.nameServers, ...[...leases.values()].flatMap((lease) => lease.nameServers)];
  noting(run, 'the name servers', () => writeResolver(system, { ...network, nameServers }, (name) => run.links.get(name)?.name ?? name));
  requireWorking(run);
}

function raiseLoopback(run: BringUp): void {
  noting(run, 'the loopback', () => {
    const loopback = run.routes.links().find((link) => link.name === 'lo');
    if (loopback !== undefined && !loopback.isUp) run.routes.changeLink(loopback.index, { up: true });
  });
}
