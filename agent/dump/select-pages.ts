/**
 * Which pages go into the dump. When the memory model cannot be read, levels 0 and 1 keep everything and say so; a higher level refuses,
 * because filtering by guess would make a wrong dump.
 */
import { Bitmap } from '../bitmap/bitmap.ts';
import { emptyCounts, type PageCounts } from '../classify/page-kind.ts';
import { scanPages } from '../classify/scan.ts';
import { KcaptureError } from '../errors.ts';
import { missingKeys } from '../vmcoreinfo/keys.ts';
import { checkExtent } from './check-extent.ts';
import { requireVirtual, type Kernel } from './open-kernel.ts';
import type { Progress } from './progress.ts';

export type Selection = { readonly kept: Bitmap; readonly counts: PageCounts; readonly warnings: readonly string[] };

/** Levels up to this one need no knowledge of the pages but for the safety of broken and offline memory. */
const highestBlindLevel = 1;

/**
 * @throws VmcoreError as `checkExtent`; MemoryModelError, AddressError, VmcoreinfoError when `level` filters by page and the pages cannot be told apart.
 */
export function selectPages(kernel: Kernel, level: number, progress: Progress): Selection {
  const { memory, info } = kernel;
  checkExtent(memory);
  progress.start('filtering', memory.endPfn, memory.pageSize);
  try {
    return scanPages({ memory, info, virtual: requireVirtual(kernel), level, onProgress: (done) => progress.update(done) });
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    if (level > highestBlindLevel) throw withLevelHint(error, kernel, level);
    return keepEverything(kernel, `Broken and offline pages are not left out: ${error.message}`);
  } finally {
    progress.end();
  }
}

function keepEverything({ memory }: Kernel, warning: string): Selection {
  const kept = Bitmap.fromRanges(memory.endPfn, memory.ranges);
  const original = kept.count();
  return { kept, counts: { ...emptyCounts(), original, kept: original, hole: memory.endPfn - original }, warnings: [warning] };
}

function withLevelHint(error: KcaptureError, { info, memory }: Kernel, level: number): KcaptureError {
  const missing = missingKeys(info, memory.machine, 'filter');
  const lacks = missing.length === 0 ? '' : `VMCOREINFO lacks ${missing.join(', ')}. `;
  return new KcaptureError(error.code, `Cannot filter at level ${level}: ${error.message}`, {
    where: error.where,
    hint: `${lacks}Dump all pages with -d 0, or all but pages of zeros with -d 1`,
    cause: error,
  });
}
