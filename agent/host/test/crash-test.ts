/**
 * The test that crashes the machine, and the judgement after the reboot.
 *
 * A number is written to the kernel's log before the crash: a capture that holds it in its log is the capture of this test, whatever the clocks said.
 */
import { randomUUID } from 'node:crypto';
import { readBreadcrumbs } from '../../capture/breadcrumbs.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { readBootId } from '../load/loaded-record.ts';
import { hostPaths } from '../paths.ts';
import { byTime, findSaved } from '../saved/find-saved.ts';
import type { SavedDump } from '../saved/saved-dump.ts';
import { savedFolders } from '../saved/saved-folders.ts';
import { TestError } from './test-error.ts';

/** Written before the crash. */
export type CrashMarker = {
  readonly version: 1;
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly bootId: string;
};

export type CrashTestResult = {
  /** `pending`: nobody can say yet. */
  readonly outcome: 'passed' | 'failed' | 'pending';
  readonly startedAt: string;
  readonly text: string;
  readonly hint: string | undefined;
  /** Folder of the capture. */
  readonly capture: string | undefined;
};

export const crashMarkerPath = `${hostPaths.state}/crash-test.json`;
/** A log is read to its end, but no further back than this: the number stands right before the panic. */
const logTailBytes = 2 * 1024 * 1024;
const sysrqSwitch = '/proc/sys/kernel/sysrq';
const sysrqTrigger = '/proc/sysrq-trigger';

/**
 * Crashes the machine. Does not return when it works.
 * @throws TestError `test/refused`: the kernel did not crash; everything is as before.
 */
export function crashNow(system: System): never {
  const { files, kernel } = system;
  const id = randomUUID();
  const before = files.readTextIfThere(sysrqSwitch);
  const marker: CrashMarker = { version: 1, id, startedAt: new Date(kernel.wallClockMs()).toISOString(), bootId: readBootId(system) };
  files.makeFolder(hostPaths.state);
  files.write(crashMarkerPath, `${JSON.stringify(marker)}\n`, 0o600);
  try {
    files.writeExisting('/dev/kmsg', `<4>kcapture: crash test ${id}\n`);
    kernel.syncAll();
    if (before !== undefined) files.writeExisting(sysrqSwitch, '1');
    files.writeExisting(sysrqTrigger, 'c');
    throw new TestError('test/refused', 'Cannot crash the machine: the kernel took the sysrq and went on');
  } catch (cause) {
    if (before !== undefined) files.writeExisting(sysrqSwitch, before);
    files.remove(crashMarkerPath);
    if (cause instanceof TestError) throw cause;
    const reason = cause instanceof KcaptureError ? cause.message : String(cause);
    throw new TestError('test/refused', `Cannot crash the machine: ${reason}`, {
      hint: 'It takes root and a kernel with CONFIG_MAGIC_SYSRQ.',
      cause,
    });
  }
}

/** `undefined`: no test was made, or the note of it cannot be read. */
export function readCrashMarker({ files }: Pick<System, 'files'>): CrashMarker | undefined {
  try {
    const value: unknown = JSON.parse(files.readTextIfThere(crashMarkerPath, 65_536) ?? '');
    if (typeof value !== 'object' || value === null) return undefined;
    const { version, id, startedAt, bootId } = value as Partial<CrashMarker>;
    const isSound =
      version === 1 && typeof id === 'string' && /^[0-9a-f-]{36}$/.test(id) && typeof startedAt === 'string' && typeof bootId === 'string';
    return isSound && !Number.isNaN(Date.parse(startedAt)) ? { version, id, startedAt, bootId } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What became of the last test; `undefined`: there was none. */
export function judgeCrashTest(system: System): CrashTestResult | undefined {
  const marker = readCrashMarker(system);
  if (marker === undefined) return undefined;
  const base = { startedAt: marker.startedAt, hint: undefined, capture: undefined };
  if (marker.bootId === readBootId(system)) {
    return { ...base, outcome: 'pending', text: 'the machine has not been restarted since the test began', hint: 'kcapture test --crash' };
  }
  const { folders, unreachable } = savedFolders(system);
  const saved = folders.flatMap((folder) => findSaved(system.files, folder)).sort(byTime);
  const capture = saved.findLast((dump) => holds(system, dump, marker.id));
  if (capture !== undefined) return judgeSaved(base, capture);
  const [elsewhere] = unreachable;
  if (elsewhere !== undefined) {
    const text = `no capture of it lies where this machine can look now, but ${elsewhere.target} cannot be looked at: ${elsewhere.why}`;
    return { ...base, outcome: 'pending', text, hint: 'Mount it, or recover the raw device, then: kcapture test --result' };
  }
  const marks = readBreadcrumbs(system).map(({ stage, detail }) => `it came as far as "${stage}"${detail === '' ? '' : ` (${detail})`}`);
  const text = ['the machine restarted, but no capture holds the number of the test', ...marks].join('; ');
  return { ...base, outcome: 'failed', text, hint: 'Try the whole way with a console to look at: kcapture test --vm' };
}

function judgeSaved(base: Omit<CrashTestResult, 'outcome' | 'text'>, { folder, status }: SavedDump): CrashTestResult {
  const found = { ...base, capture: folder };
  if (status === 'complete') return { ...found, outcome: 'passed', text: `the crash was captured whole: ${folder}` };
  return {
    ...found,
    outcome: 'failed',
    text: `the crash was captured, but not whole (${status}): ${folder}`,
    hint: `kcapture show ${folder}`,
  };
}

function holds({ files }: System, { folder, log, files: found }: SavedDump, id: string): boolean {
  const file = found.find(({ name }) => name === log);
  if (file === undefined) return false;
  try {
    const start = Math.max(0, file.sizeBytes - logTailBytes);
    const tail = files.readAt(`${folder}/${file.name}`, start, Math.min(file.sizeBytes, logTailBytes));
    return new TextDecoder().decode(tail).includes(`kcapture: crash test ${id}`);
  } catch (error) {
    if (error instanceof KcaptureError) return false;
    throw error;
  }
}
