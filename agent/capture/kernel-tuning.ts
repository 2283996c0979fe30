/**
 * Settings of the capture kernel that keep a run alive in a small memory, and keep what it inherited from a production system from ending it.
 *
 * The limits of dirty pages stay: a tenth of the memory, as the kernel has it, held 6 MB of a dump in 190 MB, and 4 MB set by hand left no more memory free
 * (measured). `oom_score_adj` stays as the script set it: when memory runs out it is this process that goes, and the script starts it again in a way that needs less.
 */
import type { System } from '../sys/system.ts';
import type { RunLog } from './run-log.ts';

type Setting = readonly [path: string, value: string];

const settings: readonly Setting[] = [
  ['/proc/self/comm', 'kcapture'],
  ['/proc/sys/vm/panic_on_oom', '0'],
  // A warning is no reason to give up a dump, and a panic of this kernel is one to restart.
  ['/proc/sys/kernel/panic_on_warn', '0'],
  ['/proc/sys/kernel/panic_on_oops', '0'],
  ['/proc/sys/kernel/hung_task_panic', '0'],
  ['/proc/sys/kernel/softlockup_panic', '0'],
  ['/proc/sys/kernel/panic', '10'],
];

/** What a kernel does not know or refuses is left as it is. */
export function tuneKernel({ files }: System, log: RunLog): void {
  const refused = settings.filter(([path, value]) => {
    if (files.status(path) === undefined) return false;
    try {
      files.writeExisting(path, value);
      return false;
    } catch {
      return true;
    }
  });
  if (refused.length > 0) log.info(`these settings were refused: ${refused.map(([path]) => path).join(', ')}`);
}

/** The kernel that a crash started says so: it has the crashed one's memory, or was told where it lies. */
export function isCaptureKernel({ files }: Pick<System, 'files'>): boolean {
  if (files.status('/proc/vmcore') !== undefined) return true;
  if (/(^|\s)elfcorehdr=/.test(files.readTextIfThere('/proc/cmdline') ?? '')) return true;
  return files.status('/proc/device-tree/chosen/linux,elfcorehdr') !== undefined;
}
