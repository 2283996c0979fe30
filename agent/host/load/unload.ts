/** Gives up the loaded capture kernel. After this a crash is not captured. */
import { KernelCallError } from '../../sys/kernel-error.ts';
import type { System } from '../../sys/system.ts';
import { isCrashKernelLoaded, mayLoadKernels, readKexecState } from './kexec-state.ts';
import { LoadError } from './load-error.ts';
import { forgetLoadedRecord } from './loaded-record.ts';

/**
 * @returns false when nothing was loaded.
 * @throws LoadError `load/permission`, `load/refused`, `load/state`
 */
export function unload(system: System): boolean {
  if (!isCrashKernelLoaded(system)) {
    if (mayLoadKernels(system)) forgetLoadedRecord(system);
    return false;
  }
  if (!mayLoadKernels(system)) {
    throw new LoadError('load/permission', 'Cannot unload the capture kernel: CAP_SYS_BOOT is missing', { hint: 'Run it as root.' });
  }
  try {
    system.kernel.kexecFileUnload(true);
  } catch (cause) {
    if (!(cause instanceof KernelCallError)) throw cause;
    const message = `Cannot unload the capture kernel: ${cause.errno}. It is still loaded`;
    throw new LoadError('load/refused', message, { hint: remedyFor(system, cause.errno), cause });
  }
  if (isCrashKernelLoaded(system)) {
    throw new LoadError('load/state', 'Cannot unload the capture kernel: the call succeeded, but it is still loaded', {
      hint: 'Look at the last lines of "dmesg".',
    });
  }
  forgetLoadedRecord(system);
  return true;
}

function remedyFor(system: System, errno: string): string {
  if (readKexecState(system).disabled) return 'kernel.kexec_load_disabled is 1, which forbids unloading too: restart the machine.';
  if (errno === 'EBUSY') return 'Another program is loading or unloading: try again in a few seconds.';
  return 'Look at the last lines of "dmesg".';
}
