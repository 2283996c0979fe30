/**
 * One load at a time: a file that names the process that holds it. Making it anew (O_EXCL) either works or says that there is one.
 *
 * A holder that died is recognised by its start time and its file is taken away. Waiting is bounded.
 */
import { encodeText } from '../../binary/text.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { LoadError } from './load-error.ts';

export const lockPaths = { load: '/run/kcapture-load.lock', reload: '/run/kcapture-reload.lock' } as const;

const pollMs = 250;
const emptyLockMs = 10_000;

export type Lock = { release(): void };

/** Takes the lock, waiting at most `waitMs`; `undefined` when a living process kept it all the time. */
export function tryLock(system: System, path: string, waitMs: number): Lock | undefined {
  const own = ownName(system);
  for (let waited = 0; ; waited += pollMs) {
    if (makeLockFile(system, own, path)) return { release: () => releaseLock(system, path, own) };
    removeDead(system, path);
    if (makeLockFile(system, own, path)) return { release: () => releaseLock(system, path, own) };
    if (waited >= waitMs) return undefined;
    system.kernel.sleep(pollMs);
  }
}

/**
 * Runs `action` while no other load runs.
 * @throws LoadError `load/busy` after a minute.
 */
export function withLoadLock<T>(system: System, action: () => T, waitMs = 60_000): T {
  const lock = tryLock(system, lockPaths.load, waitMs);
  if (lock === undefined) {
    const holder = readHolder(system, lockPaths.load)?.split(':')[0];
    throw new LoadError(
      'load/busy',
      `Cannot load a capture kernel: process ${holder ?? 'unknown'} is loading one, after ${waitMs / 1000} s still`,
      {
        where: lockPaths.load,
        hint: 'Wait for it to end.',
      },
    );
  }
  try {
    return action();
  } finally {
    lock.release();
  }
}

/** Process id and start time: an id alone is given to another process one day. */
function ownName(system: System): string {
  const id = system.files.readLink('/proc/self') ?? String(process.pid);
  return `${id}:${startTime(system, id) ?? '0'}`;
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold spaces and parentheses. @source proc(5) */
function startTime({ files }: System, id: string): string | undefined {
  const text = files.readTextIfThere(`/proc/${id}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

function makeLockFile(system: System, own: string, path: string): boolean {
  try {
    const file = system.createFile(path);
    try {
      file.write(0, encodeText(own));
    } finally {
      file.close();
    }
    return true;
  } catch (error) {
    // Made by another between the look and the call: as good as there before.
    if (error instanceof KcaptureError && (error.code === 'sink/exists' || system.exists(path))) return false;
    throw error;
  }
}

/** A file without a name in it was made this moment, or its maker died before it could write: then it stays as young as it is. */
function removeDead(system: System, path: string): void {
  const holder = readHolder(system, path);
  if (holder === undefined) return;
  const status = system.files.status(path);
  const isEmptyAndOld = holder === '' && status !== undefined && system.kernel.wallClockMs() - status.modifiedMs > emptyLockMs;
  const [id, start] = holder.split(':');
  const alive = /^\d+$/.test(id) ? startTime(system, id) : undefined;
  const isDead = holder === '' ? isEmptyAndOld : alive === undefined || (start !== '0' && alive !== start);
  if (isDead && readHolder(system, path) === holder) system.files.remove(path);
}

function readHolder({ files }: System, path: string): string | undefined {
  return files.readTextIfThere(path)?.trim();
}

function releaseLock(system: System, path: string, own: string): void {
  if (readHolder(system, path) === own) system.files.remove(path);
}
