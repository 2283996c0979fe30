/** From a target of the plan to the place of this capture on it. */
import { isOnNetwork } from '../config/armed-plan.ts';
import type { DumpStore } from '../target/dump-store.ts';
import { openFolderStore } from '../target/folder-store.ts';
import { withSteadyWrites } from '../target/nfs/steady-writes.ts';
import { type CaptureTarget, openTarget } from '../target/open-target.ts';
import { openRawStore } from '../target/raw/raw-store.ts';
import { prepareNetwork } from './bring-up-network.ts';
import { asKcaptureError } from './capture-error.ts';
import { openRemoteStore } from './open-remote-store.ts';
import type { Run } from './run.ts';

/**
 * @param index number of the target in the plan, from 0.
 * @throws NetworkUpError, TargetError, FilesError, SinkError: nothing stays open then.
 */
export function openStore(run: Run, target: CaptureTarget, index: number): DumpStore {
  const { system, settings, log, pulse, name, limit } = run;
  log.info(`target ${index + 1}: ${target.wish}`);
  if (isOnNetwork(target)) prepareNetwork(run, target);
  const since = system.now();
  const endsAt = Math.min(since + settings.configuration.deviceTimeoutSeconds * 1000, limit.dumpEndsAt);
  if (target.kind === 'remote') {
    const store = openRemoteStore(run, target);
    run.elapsedMs[`target${index + 1}`] = Math.round(system.now() - since);
    return store;
  }
  const clientName = settings.inCaptureKernel ? nfsClientName(settings.plan?.machineId) : undefined;
  const open = openTarget(system, target, { index, endsAt, clientName, onWait: () => pulse.beat() });
  run.elapsedMs[`target${index + 1}`] = Math.round(system.now() - since);
  try {
    if (open.kind === 'folder') {
      const store = openFolderStore(system, { parent: open.folder, name: name.name, adopt: name.adopted, close: () => open.close() });
      return target.kind === 'nfs' ? { ...store, memory: { ...store.memory, system: withSteadyWrites(system) } } : store;
    }
    const store = openRawStore(system, { device: open.device, name: name.name, startedAtMs: name.startedAtMs, close: () => open.close() });
    if (store.replaced !== undefined)
      run.warnings.push(`The capture ${store.replaced.name} on ${store.where} was never recovered and gives way`);
    return store;
  } catch (error) {
    open.close();
    throw error;
  }
}

/** A name that no other machine gives, and not the one this machine gives while it is healthy. */
function nfsClientName(machineId: string | undefined): string | undefined {
  return machineId === undefined ? undefined : `kcapture-${machineId}`;
}

/** Never throws. */
export function closeStore({ log, pulse }: Run, store: DumpStore | undefined): void {
  try {
    store?.close();
  } catch (error) {
    log.warn(`the target could not be let go: ${asKcaptureError(error).message}`);
  }
  pulse.beat();
}
