/**
 * Can the processor run the executable? Its runtime is compiled for x86-64 processors with SSE4.2 and POPCNT (Nehalem of 2008 and later) and dies with an
 * illegal instruction on others.
 */
import type { Files } from '../../sys/files-interface.ts';

const neededFlags = ['ssse3', 'sse4_1', 'sse4_2', 'popcnt'] as const;

/** Flags that `/proc/cpuinfo` lacks; empty on other machines than x86_64, `undefined` when it cannot be read. */
export function missingCpuFlags(files: Files, machine: string): readonly string[] | undefined {
  if (machine !== 'x86_64') return [];
  const flags = /^flags\s*:\s*(.*)$/m.exec(files.readTextIfThere('/proc/cpuinfo') ?? '')?.[1]?.split(/\s+/);
  return flags === undefined ? undefined : neededFlags.filter((flag) => !flags.includes(flag));
}
