/** From a target on a server to the place of this capture on it. */
import { readMachineId } from '../linux/machine-id.ts';
import type { ArmedTarget } from '../config/armed-plan.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { openRemoteDumpStore } from '../target/remote/remote-dump-store.ts';
import { remoteLimits } from '../target/remote/remote-limits.ts';
import { checkBrokenOff } from './broken-off.ts';
import type { Run } from './run.ts';
import { checkTime } from './time-limit.ts';

/** @throws TargetError `target/remote`; CaptureError `capture/time-limit`. Nothing stays open then. */
export function openRemoteStore(run: Run, target: ArmedTarget & { kind: 'remote' }): DumpStore {
  const { system, settings, log, pulse, limit, name } = run;
  const { wish, place, addresses, credentials, canRename } = target;
  const machineId = settings.plan?.machineId ?? readMachineId(system);
  let isOpen = false;
  const store = openRemoteDumpStore(system, {
    wish,
    place,
    addresses,
    credentials,
    canRename,
    capture: { name: name.name, machineId, startedAtMs: name.startedAtMs },
    adopt: name.adopted,
    limits: remoteLimits(settings.configuration),
    // The dump gives way in time for what comes after it.
    onWait(phase) {
      pulse.beat();
      if (phase === 'memory' || !isOpen) checkBrokenOff(settings);
      checkTime(system, phase === 'other' ? limit.runEndsAt : limit.dumpEndsAt, 'sending');
    },
    onNote: (sentence) => log.info(`  ${sentence}`),
  });
  isOpen = true;
  return store;
}
