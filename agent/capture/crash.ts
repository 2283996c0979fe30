/** What the crashed kernel tells of itself: its log, its release, when and of what it died. Read once, before anything is written anywhere. */
import { decodeUtsname, readUtsname } from '../address/utsname.ts';
import { readDmesg } from '../analyse/log/dmesg.ts';
import { findPanic } from '../analyse/panic.ts';
import { MiB } from '../binary/units.ts';
import { type Kernel, openKernel, requireVirtual } from '../dump/open-kernel.ts';
import type { System } from '../sys/system.ts';
import { asKcaptureError } from './capture-error.ts';

export type Crash = {
  /** The log as text; `undefined` when it could not be read. */
  readonly dmesg: Uint8Array | undefined;
  readonly release: string;
  /** The line that says what happened. */
  readonly panic: string | undefined;
  /** Milliseconds since 1970, by the crashed kernel's clock. */
  readonly crashedAtMs: number | undefined;
  readonly host: string | undefined;
  /** What is not there, a sentence each. */
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
};

/** A log is a few hundred KiB; the newest part of a monstrous one is enough, and memory is short. */
const mostLogBytes = 8 * MiB;

/** Never throws: what cannot be read is in `lost`. Tries again without mapping before it gives up. */
export function readCrash(system: System, source: string, mmap: boolean): Crash {
  const first = tryReadCrash(system, source, mmap);
  if (!mmap || first.dmesg !== undefined) return first;
  const second = tryReadCrash(system, source, false);
  return second.dmesg === undefined ? first : second;
}

function tryReadCrash(system: System, source: string, mmap: boolean): Crash {
  const nothing = { dmesg: undefined, release: 'unknown', panic: undefined, crashedAtMs: undefined, host: undefined, warnings: [] };
  let kernel: Kernel;
  try {
    kernel = openKernel(system, [source], { mmap });
  } catch (error) {
    return { ...nothing, lost: [`The crashed kernel's memory cannot be opened: ${asKcaptureError(error).message}`] };
  }
  try {
    const facts = {
      ...nothing,
      release: kernel.info.plain('OSRELEASE') ?? 'unknown',
      crashedAtMs: crashTime(kernel.info.plain('CRASHTIME')),
      host: readHost(kernel),
    };
    try {
      const { text, warnings } = readDmesg(kernel.info, requireVirtual(kernel), { maxBytes: mostLogBytes });
      return { ...facts, dmesg: text, panic: findPanic(text)?.line, warnings: warnings.map((warning) => `Log: ${warning}`), lost: [] };
    } catch (error) {
      return { ...facts, lost: [`The crashed kernel's log cannot be read: ${asKcaptureError(error).message}`] };
    }
  } finally {
    kernel.memory.close();
  }
}

function crashTime(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,11}$/.test(text) ? Number(text) * 1000 : undefined;
}

function readHost({ info, virtual }: Kernel): string | undefined {
  if (virtual === undefined) return undefined;
  try {
    const { nodename } = decodeUtsname(readUtsname(info, virtual));
    return nodename === '' || nodename === '(none)' ? undefined : nodename;
  } catch {
    return undefined;
  }
}
