/** How many threads compress a dump. */
import { MiB } from '../binary/units.ts';
import { readMeminfo } from '../linux/memory-info.ts';
import type { System } from '../sys/system.ts';

/** Of what is available; the rest is for the bitmaps, what is on its way to the disk, and the kernel. */
const shareOfAvailable = 1 / 2;
/** What each thread beside the first adds at its peak: 14 to 28 MB (measured). */
const threadBytes = 24 * MiB;

/** As wished, else one for each processor, but no more than memory is there for: a thread less is slower, a capture kernel out of memory has no dump. */
export function threadCount(system: System, wished: number | undefined): number {
  if (wished !== undefined) return wished;
  const processors = system.kernel.onlineCpus();
  const available = readMeminfo(system.files).get('MemAvailable');
  if (available === undefined) return processors;
  return Math.min(processors, 1 + Math.floor((available * shareOfAvailable) / threadBytes));
}
