/**
 * `/proc/iomem`: which physical addresses the running kernel uses for what. Everybody but root sees zeros.
 *
 * ```
 * 00100000-7fffffff : System RAM
 *   01000000-01e00fff : Kernel code
 *   67000000-76ffffff : Crash kernel
 * ```
 *
 * @source kernel/resource.c, r_show(); arch/x86/kernel/setup.c; arch/arm64/kernel/setup.c
 */
import type { System } from '../sys/system.ts';

/** `start <= address < end`. */
export type IomemRange = { readonly start: number; readonly end: number; readonly depth: number; readonly name: string };

export type MemoryMap = {
  /** False when the kernel hid the addresses from us: every number below is 0 then. */
  readonly visible: boolean;
  readonly systemRamBytes: number;
  /** One or two: above and below 4 GiB. */
  readonly crashKernel: readonly IomemRange[];
  /** Text, data and BSS of the running kernel. */
  readonly kernelBytes: number;
};

const line = /^( *)([0-9a-f]{1,16})-([0-9a-f]{1,16}) : (.*)$/;

/** Lines that are none of its form are skipped. */
export function parseIomem(text: string): readonly IomemRange[] {
  const ranges: IomemRange[] = [];
  for (const entry of text.split('\n')) {
    const match = line.exec(entry);
    if (match === null) continue;
    const [start, last] = [Number.parseInt(match[2], 16), Number.parseInt(match[3], 16)];
    if (last >= start) ranges.push({ start, end: last + 1, depth: match[1].length / 2, name: match[4] });
  }
  return ranges;
}

export function describeMemoryMap(ranges: readonly IomemRange[]): MemoryMap {
  const sum = (names: readonly string[]) =>
    ranges.filter(({ name }) => names.includes(name)).reduce((bytes, { start, end }) => bytes + (end - start), 0);
  const visible = ranges.some(({ end }) => end > 1);
  if (!visible) return { visible, systemRamBytes: 0, crashKernel: [], kernelBytes: 0 };
  return {
    visible,
    systemRamBytes: sum(['System RAM']),
    crashKernel: ranges.filter(({ name }) => name === 'Crash kernel'),
    kernelBytes: sum(['Kernel code', 'Kernel rodata', 'Kernel data', 'Kernel bss']),
  };
}

export function readMemoryMap(system: System): MemoryMap {
  return describeMemoryMap(parseIomem(system.files.readTextIfThere('/proc/iomem') ?? ''));
}
