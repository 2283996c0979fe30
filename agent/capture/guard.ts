/**
 * The thread that cannot be held up: restarts the machine when the run takes too long or says nothing for too long, whatever the main thread is waiting for, and keeps
 * the hardware watchdog fed for just as long as all is well. Before that, what waits for an NFS server is broken off, so that the next target gets its turn.
 */
import type { RebootAction, Watchdog } from '../sys/kernel-interface.ts';
import type { System } from '../sys/system.ts';
import { breakOffNfs } from '../target/nfs/break-off.ts';
import { forceRestart } from './restart.ts';
import { pulseStates, pulseWords, touchAlive } from './pulse.ts';

export type GuardTask = {
  readonly kind: 'guard';
  readonly shared: SharedArrayBuffer;
  /** The main thread's clock when the task was sent; threads have clocks of their own. */
  readonly sentAt: number;
  /** On the main thread's clock; `undefined`: no limit but progress. */
  readonly endsAt: number | undefined;
  readonly action: RebootAction;
};

/** Silence beyond what was announced, until the machine is restarted. Disks that recover from errors take their time. */
export const stallMs = 120_000;
const lookEveryMs = 1000;
const watchdogPath = '/dev/watchdog0';
const watchdogSeconds = 60;

/** @returns what ended it: the run, or the guard the run. */
export function runGuard(system: System, task: GuardTask): 'ended' | 'restarted' {
  const words = new Int32Array(task.shared);
  const skew = task.sentAt - system.now();
  const watchdog = openWatchdog(system);
  for (;;) {
    const state = Atomics.load(words, pulseWords.state);
    const silentMs = system.now() + skew - Atomics.load(words, pulseWords.silentUntil) * 100;
    if (state === pulseStates.end) {
      watchdog?.disarm();
      return 'ended';
    }
    const why = state === pulseStates.hold ? undefined : reasonToAct(task, system.now() + skew, silentMs);
    if (why !== undefined) {
      forceRestart(system, task.action, why);
      return 'restarted';
    }
    if (state === pulseStates.run && silentMs >= 0) breakOffNfs(system);
    if (state === pulseStates.hold || silentMs < 0) {
      watchdog?.feed();
      touchAlive(system);
    }
    system.kernel.sleep(lookEveryMs);
  }
}

function reasonToAct({ endsAt }: GuardTask, now: number, silentMs: number): string | undefined {
  if (endsAt !== undefined && now >= endsAt) return 'the time limit is over and the run has not ended';
  if (silentMs >= stallMs) return `the run has not moved for ${Math.round(silentMs / 1000)} s more than it said it would take`;
  return undefined;
}

/** None there, or somebody else has it: then there is none. */
function openWatchdog(system: System): Watchdog | undefined {
  if (system.files.status(watchdogPath)?.kind !== 'character') return undefined;
  try {
    return system.kernel.openWatchdog(watchdogPath, watchdogSeconds);
  } catch {
    return undefined;
  }
}
