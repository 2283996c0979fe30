/** Files read at random, each in the way that suits where it is. */
import { statfsSync } from 'node:fs';
import { MiB } from '../binary/units.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { openMmapFile } from './mmap-file.ts';
import { openPreadFile } from './pread-file.ts';
import type { System } from './system.ts';

/**
 * Each move of a window makes the processor forget its translations, and here nothing is read that is not looked at: a dump in an emulated
 * capture kernel took a tenth less time with 4 MiB than with 256 KiB.
 */
const kernelWindowBytes = 4 * MiB;

/** `System.openFile`. */
export const openMemoryFile: System['openFile'] = (path, { mmap = true } = {}): MemoryFile => {
  if (mmap && isKernelFile(path)) return openMmapFile(path, kernelWindowBytes);
  return mmap === 'always' ? openMmapFile(path) : openPreadFile(path);
};

/** @source linux/magic.h, PROC_SUPER_MAGIC */
function isKernelFile(path: string): boolean {
  try {
    return statfsSync(path).type === 0x9fa0;
  } catch {
    return false;
  }
}
