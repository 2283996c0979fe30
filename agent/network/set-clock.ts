/**
 * The wall clock of a capture kernel: certificates and signatures are worth nothing in 1970, and a clock that keeps local time is hours off.
 *
 * Comes in: when the kernel crashed, by its own clock, and when the image was made. Goes out: a clock that is right to some minutes.
 *
 * The capture kernel starts within seconds of the crash, so its time is that of the crash and what it has been up since.
 *
 * @source Linux, kernel/vmcore_info.c (CRASHTIME); proc(5), /proc/uptime
 */
import type { System } from '../sys/system.ts';

export type ClockFacts = {
  /** ISO 8601, of the plan; `undefined`: there is none. */
  readonly builtAt: string | undefined;
  /** Milliseconds since 1970, by the crashed kernel's clock. */
  readonly crashedAtMs: number | undefined;
};

export type ClockReading = {
  readonly wallMs: number;
  readonly uptimeMs: number;
  readonly builtAtMs: number | undefined;
  readonly crashedAtMs: number | undefined;
};

/** Signatures of requests hold for a quarter of an hour around the server's time. */
const toleranceMs = 5 * 60_000;
/** No image is that old, and no clock that far ahead is right. */
const longestMs = 20 * 365 * 86_400_000;

/** What the clock should show instead; `undefined`: it is right as far as anybody can tell. */
export function rightTime(reading: ClockReading): { readonly ms: number; readonly from: 'crash' | 'image' } | undefined {
  const { wallMs, uptimeMs, builtAtMs } = reading;
  const crashedAtMs = soundCrashTime(reading);
  if (crashedAtMs !== undefined) {
    const expectedMs = crashedAtMs + uptimeMs;
    return Math.abs(wallMs - expectedMs) <= toleranceMs ? undefined : { ms: expectedMs, from: 'crash' };
  }
  if (builtAtMs === undefined || wallMs >= builtAtMs - toleranceMs) return undefined;
  return { ms: builtAtMs + uptimeMs, from: 'image' };
}

/** A machine whose own clock was never set crashed "before" its image was made. */
function soundCrashTime({ builtAtMs, crashedAtMs }: ClockReading): number | undefined {
  if (crashedAtMs === undefined || builtAtMs === undefined) return crashedAtMs;
  return crashedAtMs >= builtAtMs - toleranceMs && crashedAtMs <= builtAtMs + longestMs ? crashedAtMs : undefined;
}

/**
 * Sets the clock when it is implausible. Never throws.
 *
 * @returns what was done or could not be, a sentence for the log; `undefined` when the clock is left as it is.
 */
export function setClock(system: Pick<System, 'files' | 'kernel'>, { builtAt, crashedAtMs }: ClockFacts): string | undefined {
  const wallMs = system.kernel.wallClockMs();
  const builtAtMs = builtAt === undefined ? undefined : finite(Date.parse(builtAt));
  const right = rightTime({ wallMs, uptimeMs: readUptime(system), builtAtMs, crashedAtMs });
  if (right === undefined) return undefined;
  const [was, is] = [wallMs, right.ms].map(formatTime);
  const source = right.from === 'crash' ? 'the time of the crash' : 'the time when the image was made: the time of the crash is not known';
  try {
    system.kernel.setWallClock(right.ms);
    return `the clock showed ${was} and is set to ${is}, by ${source}`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `the clock shows ${was} where ${is} is likely, and cannot be set: ${reason}`;
  }
}

function readUptime({ files }: Pick<System, 'files'>): number {
  const seconds = Number(/^(\d{1,9}(?:\.\d{1,3})?)\s/.exec(files.readTextIfThere('/proc/uptime', 256) ?? '')?.[1] ?? 0);
  return Math.round(seconds * 1000);
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** `2026-03-04 05:06:07 UTC` */
function formatTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime())
    ? `${ms} ms`
    : date
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, ' UTC');
}
