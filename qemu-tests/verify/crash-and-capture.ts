/** A crash and what the next boot finds of it: saved and reset unattended, one whole capture that others can read. */
import type { Boot } from '../machine/boot.ts';
import type { Checks } from './checks.ts';
import { checkWholeFiles, readManifest, type SavedManifest, savedCaptures } from './saved-capture.ts';

export type CrashCheck = {
  readonly checks: Checks;
  /** For what witnesses write. */
  readonly folder: string;
  /** What the target is, for the reader. */
  readonly name: string;
  /** The boot that ended in the crash; a step of it was called `load`. */
  readonly crashed: Boot;
  /** The host's copy of the folder of all dumps. */
  readonly dumps: string;
  /** The targets that failed before, and why. */
  readonly failed: readonly (readonly [target: string, why: RegExp])[];
};

/** @returns The path of the capture. */
export function checkCrash({ checks, folder, name, crashed, dumps, failed }: CrashCheck): string {
  const { capture } = crashed;
  checks.equal([capture.ending, capture.panicked], ['reset', false], `${name}: the capture kernel saves and reboots by itself`);
  const captures = savedCaptures(dumps);
  checks.equal(captures.length, 1, `${name}: there is one capture`);
  const manifest = readManifest(captures[0]);
  checks.note(describe(name, crashed, manifest));
  checkWholeFiles(checks, captures[0], folder);
  const reasons = manifest.failedTargets.map(({ target, why }) => `${target}: ${why}`);
  const asExpected = failed.every(([target, why], index) => reasons[index]?.startsWith(`${target}: `) && why.test(reasons[index]));
  checks.ok(
    asExpected && reasons.length === failed.length,
    `${name}: the manifest says which targets failed before (${failed.length}) and why`,
    reasons.join('\n'),
  );
  return captures[0];
}

function describe(name: string, { upSeconds, stepSeconds, capture }: Boot, { elapsedMs, warnings, captureKernel }: SavedManifest): string {
  const { peakMemoryBytes, memoryBytes } = captureKernel;
  return [
    `${name}: up ${upSeconds} s, load ${stepSeconds.get('load')?.toFixed(1)} s`,
    `from the crash: kcapture ${capture.secondsToAgent?.toFixed(1)} s, reset ${capture.seconds.toFixed(1)} s`,
    `log on disk ${elapsedMs.dmesg} ms after kcapture's start`,
    `peak ${peakMemoryBytes} of ${memoryBytes} bytes`,
    ...warnings,
  ].join('; ');
}
