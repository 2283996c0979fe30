/** What an image wants on the capture kernel's command line. */
import { readKernelConfig } from '../../linux/kernel-config.ts';
import type { System } from '../../sys/system.ts';

/** Any `root=` makes the kernel's first file system one without a limit of half the memory; hooks in images ask for this one. */
export const rootWord = 'root=kcapture';
/**
 * A locked-down kernel makes no files for tracing, which are 10 MB of inodes in kernels before 6.6 (measured: 16.8 MB of slab become 7.2).
 * @source Linux, kernel/trace/trace.c, tracing_init_dentry() and fs/tracefs/inode.c: LOCKDOWN_TRACEFS
 */
const lockdownWord = 'lockdown=confidentiality';

/**
 * @param areSigned all modules in the image carry the kernel's signature: a locked-down kernel refuses others.
 */
export function imageWords(system: System, kernelRelease: string, areSigned: boolean): readonly string[] {
  return areSigned && hasLockdown(system, kernelRelease) ? [rootWord, lockdownWord] : [rootWord];
}

function hasLockdown(system: System, release: string): boolean {
  const options = readKernelConfig(system, release)?.options;
  const isSet = ['SECURITY_LOCKDOWN_LSM', 'MODULE_SIG'].every((name) => options?.get(name) === 'y');
  return isSet && (options?.get('LSM') ?? '').split(',').includes('lockdown');
}
