/** How much memory the bitmap of a dump may take. */
import { readMeminfo } from '../linux/memory-info.ts';
import type { System } from '../sys/system.ts';

/** The rest is for the threads, the page cache of what is written, and the kernel. */
const shareOfAvailable = 1 / 4;

/** Bytes; as wished, else a quarter of MemAvailable. No limit when the kernel does not say how much there is. */
export function memoryLimit(system: System, wished: number | undefined): number {
  if (wished !== undefined) return wished;
  const available = readMeminfo(system.files).get('MemAvailable');
  return available === undefined ? Number.POSITIVE_INFINITY : available * shareOfAvailable;
}
