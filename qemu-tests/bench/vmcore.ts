/**
 * The vmcore the benchmark reads: the memory of a large guest with a warm workload, copied raw out of its capture kernel.
 *
 * It is made once and kept in the cache; another kernel package or workload makes another one.
 */
import { existsSync, globSync, mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cached, cacheFolder, fingerprint } from '../cache.ts';
import { command } from '../command.ts';
import { runCycle } from '../cycle.ts';
import { singleFileCpio } from '../initramfs.ts';
import { kernelFiles } from '../kernel-files.ts';
import { findKernel, type Kernel } from '../kernels.ts';

const kernel: Kernel = { ...findKernel('6.1'), memoryMiB: 6144, lowMemoryMiB: 2048 };
const timeoutMs = 15 * 60_000;
/** What making it writes at most: the guest's memory, its disks and the archives it boots. */
const neededMiB = kernel.memoryMiB + 3 * 1024;

const guestFiles = ['crash.sh', 'workload.ts'].map((name) => join(import.meta.dirname, 'guest', name));

/**
 * The path of the vmcore, made first if it is not in the cache.
 * @param say Gets a line about what is going on, when it takes long.
 * @throws Error when the disk has no room; VmError when the guest failed.
 */
export async function benchVmcore(say: (line: string) => void): Promise<string> {
  const { release, imagePackage } = kernelFiles(kernel);
  const folder = join(cacheFolder, 'bench');
  const words = [imagePackage.version, `${kernel.memoryMiB}`, `${kernel.lowMemoryMiB}`];
  const path = join(folder, `${release}-${fingerprint(guestFiles, words)}.vmcore`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  for (const old of globSync(join(folder, '*.vmcore'))) rmSync(old);
  demandRoom(folder);

  say(`making a vmcore of ${kernel.memoryMiB} MiB, once (some five minutes): ${path}`);
  const evidence = join(folder, 'cycle');
  const { rawVmcore } = await runCycle({
    kernel,
    // The guest only needs the runtime; which program reads the vmcore later makes no difference to it.
    executable: process.execPath,
    folder: evidence,
    steps: [{ name: 'copy', run: 'copy_raw' }],
    rawDiskMiB: kernel.memoryMiB + 64,
    initramfs: withGuestFiles,
    timeoutMs,
    onReport: (key, value) => say(`  ${key}=${value}`),
  });
  if (rawVmcore === undefined) throw new Error(`Cannot find the raw vmcore in ${evidence}: the guest did not report its size`);
  renameSync(rawVmcore, path);
  rmSync(evidence, { recursive: true });
  return path;
}

/** The base archive with the benchmark's guest scripts in place of those of the same name. */
function withGuestFiles(base: string): string {
  return cached(`images/bench-${fingerprint([base, ...guestFiles])}.cpio`, (archive) => {
    const parts = guestFiles.map((file, index) => {
      const part = `${archive}.${index}`;
      singleFileCpio(part, basename(file), { copyOf: file });
      return part;
    });
    command(['sh', '-c', 'out=$1; shift; exec cat "$@" >"$out"', 'sh', archive, base, ...parts]);
    for (const part of parts) rmSync(part);
  });
}

function demandRoom(folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  const freeMiB = Math.floor((bavail * bsize) / 1048576);
  if (freeMiB < neededMiB)
    throw new Error(
      `Cannot make a vmcore in ${folder}: ${freeMiB} MiB of disk are free, expected ${neededMiB} (KCAPTURE_CACHE names another folder)`,
    );
}
