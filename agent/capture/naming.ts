/** Whose dump this is and when it began, though the clock of a capture kernel may be wrong. */
import type { System } from '../sys/system.ts';
import { formatDumpName, parseDumpName } from '../target/dump-name.ts';
import type { Crash } from './crash.ts';
import type { CaptureSettings } from './settings.ts';

export type RunName = {
  /** Of the folder. */
  readonly name: string;
  readonly host: string;
  /** When the capture began, milliseconds since 1970: by the clock where it can be trusted, else when the kernel crashed. */
  readonly startedAtMs: number;
  readonly clockTrusted: boolean;
  /** An agent that died has begun this capture: its folder is gone on with. */
  readonly adopted: boolean;
};

/** The name of the run under way, for an agent that is started again. */
const namePath = '/run/kcapture/name';
/** Clocks differ a little. */
const toleranceMs = 60_000;

export function nameRun(system: System, settings: CaptureSettings, crash: Crash): RunName {
  const wallMs = system.kernel.wallClockMs();
  const clockTrusted = isPlausible(wallMs, settings, crash);
  const startedAtMs = clockTrusted ? wallMs : (crash.crashedAtMs ?? wallMs);
  const host = settings.plan?.host ?? crash.host ?? system.kernel.utsname().host;
  const name = formatDumpName(host, startedAtMs);
  const base = { host, startedAtMs, clockTrusted };
  if (!settings.unattended) return { ...base, name, adopted: false };
  const earlier = system.files.readTextIfThere(namePath, 256)?.trim();
  if (earlier !== undefined && parseDumpName(earlier) !== undefined) return { ...base, name: earlier, adopted: true };
  try {
    system.files.write(namePath, `${name}\n`);
  } catch {
    // A second agent will make a folder of its own.
  }
  return { ...base, name, adopted: false };
}

/** A clock that stands before the crash, or before the image was made, was never set. */
function isPlausible(wallMs: number, { plan }: CaptureSettings, { crashedAtMs }: Crash): boolean {
  const builtAtMs = Date.parse(plan?.builtAt ?? '') || 0;
  return wallMs >= Math.max(builtAtMs, crashedAtMs ?? 0) - toleranceMs;
}
