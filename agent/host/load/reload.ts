/**
 * Loads the same pair of files again, so that the kernel describes memory and CPUs as they are now. Nothing is built.
 *
 * Plugging memory brings a burst of events, each asking for this: the first one that comes does the work when it has been quiet for a while, for all
 * of them; the others leave at once.
 */
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { isCrashKernelLoaded } from './kexec-state.ts';
import { readLoadSetting, settingProblems } from './load-conditions.ts';
import { LoadError } from './load-error.ts';
import { lockPaths, tryLock, withLoadLock } from './load-lock.ts';
import { type LoadedRecord, readLoadedRecord, whyNotRestorable } from './loaded-record.ts';

/** `done`: loaded again. `nothing`: nothing of ours is loaded. `left`: another process does it. */
export type ReloadResult = 'done' | 'nothing' | 'left';

const requestPath = '/run/kcapture-reload.request';
/** Quiet for this long: the burst is over. */
const settleMs = 2000;
/** A burst that never ends is served all the same. */
const longestWaitMs = 30_000;
/** Requests that came during a reload are served by another one, at most this often. */
const mostRounds = 5;

/** @throws LoadError when the pair could not be loaded again; what state that left is in the message. */
export function reload(system: System): ReloadResult {
  if (readLoadedRecord(system) === undefined) return 'nothing';
  request(system);
  for (let round = 0; round < mostRounds; round++) {
    const lock = tryLock(system, lockPaths.reload, 0);
    // The holder looks for requests once more after it has let go.
    if (lock === undefined) return 'left';
    let served: string;
    try {
      served = waitForQuiet(system);
      withLoadLock(system, () => reloadNow(system));
    } finally {
      lock.release();
    }
    if (readRequest(system) === served) break;
  }
  return 'done';
}

function request(system: System): void {
  const self = system.files.readLink('/proc/self') ?? String(process.pid);
  system.files.write(requestPath, `${self} ${system.kernel.wallClockMs()} ${system.now()}\n`, 0o600);
}

function readRequest(system: System): string {
  return system.files.readTextIfThere(requestPath) ?? '';
}

function waitForQuiet(system: System): string {
  let seen = readRequest(system);
  for (let waited = 0; waited < longestWaitMs; waited += settleMs) {
    system.kernel.sleep(settleMs);
    const now = readRequest(system);
    if (now === seen) break;
    seen = now;
  }
  return seen;
}

function reloadNow(system: System): void {
  const record = readLoadedRecord(system);
  // Unloaded meanwhile, on purpose.
  if (record === undefined) return;
  const [problem] = settingProblems(system, readLoadSetting(system));
  if (problem !== undefined) throw problem;
  const lost = whyNotRestorable(system, record);
  if (lost !== undefined) {
    throw new LoadError('load/image', `Cannot load the capture kernel again: ${lost}. The one that is loaded stays`, {
      hint: 'Run "kcapture load".',
    });
  }
  callAgain(system, record);
}

/** The kernel gives up the old image first, so one more attempt is worth it. */
function callAgain(system: System, { kernel, initramfs, commandLine }: LoadedRecord): void {
  const attempt = () => system.kernel.kexecFileLoad({ kernel, initramfs, commandLine, onCrash: true });
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    if (isCrashKernelLoaded(system)) throw error;
    attempt();
  }
  if (!isCrashKernelLoaded(system)) {
    throw new LoadError('load/state', 'Cannot load the capture kernel again: the call succeeded, but nothing is loaded', {
      hint: 'Run "kcapture load".',
    });
  }
}
