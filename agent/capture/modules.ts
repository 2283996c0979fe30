/** Loads the kernel modules of the plan, in its order: what udev would do, had it the memory. */
import type { System } from '../sys/system.ts';
import type { RunLog } from './run-log.ts';

/** One that does not load is reported and passed over: another target may do without it. @returns a sentence for each. */
export function loadModules(system: System, paths: readonly string[], log: RunLog): readonly string[] {
  const failed: string[] = [];
  for (const path of paths) {
    try {
      system.kernel.loadModule(path);
    } catch (error) {
      failed.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (paths.length > 0) log.info(`${paths.length - failed.length} of ${paths.length} kernel modules loaded`);
  for (const problem of failed) log.warn(problem);
  return failed;
}
