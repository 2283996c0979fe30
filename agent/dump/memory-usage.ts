/** How the memory of a machine is used, by class; on the running system (/proc/kcore) as well as on a crashed one. */
import { wholeBitmap } from '../bitmap/windows.ts';
import { dumpLevel, type PageCounts } from '../classify/page-kind.ts';
import type { System } from '../sys/system.ts';
import { dropZeroPages } from './copy-pages.ts';
import { finalCounts } from './final-counts.ts';
import { openKernel } from './open-kernel.ts';
import type { Progress } from './progress.ts';
import { selectPages } from './select-pages.ts';

/** Reads every kept page once, to find the pages of zeros. */
export function measureMemoryUsage(system: System, source: string, progress: Progress): { pages: PageCounts; pageSize: number } {
  const kernel = openKernel(system, [source]);
  try {
    const { memory } = kernel;
    const { kept, counts } = selectPages(kernel, dumpLevel.all, progress);
    progress.start('zero scan', memory.endPfn, memory.pageSize);
    const zero = dropZeroPages(memory, wholeBitmap(kept), (pfn) => progress.update(pfn));
    progress.end();
    return { pages: finalCounts(counts, zero), pageSize: memory.pageSize };
  } finally {
    kernel.memory.close();
  }
}
