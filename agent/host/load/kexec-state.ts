/**
 * What the kernel says about kexec: reserved memory, what is loaded, and what it forbids.
 *
 * @source Documentation/ABI/testing/sysfs-kernel-kexec-kdump; Documentation/admin-guide/sysctl/kernel.rst (kexec_load_disabled, kexec_load_limit_panic);
 *   Documentation/ABI/testing/sysfs-devices-system-cpu (crash_hotplug)
 */
import type { System } from '../../sys/system.ts';

export type KexecState = {
  /** Bytes of the reservation; `undefined`: this kernel has no crash kernel support, or /sys is not mounted. */
  readonly reservedBytes: number | undefined;
  readonly loaded: boolean;
  /** Loading was forbidden until the next start. */
  readonly disabled: boolean;
  /** Attempts that are left; `undefined`: no limit. */
  readonly attemptsLeft: number | undefined;
  /** The kernel itself keeps a loaded image right when CPUs or memory come and go. */
  readonly handlesHotplug: boolean;
};

/** CAP_SYS_BOOT. @source include/uapi/linux/capability.h */
const bootCapability = 22n;

export function readKexecState({ files }: System): KexecState {
  const number = (path: string) => {
    const text = files.readTextIfThere(path)?.trim();
    return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const limit = number('/proc/sys/kernel/kexec_load_limit_panic');
  const hotplug = ['cpu', 'memory'].map((kind) => number(`/sys/devices/system/${kind}/crash_hotplug`));
  return {
    reservedBytes: number('/sys/kernel/kexec_crash_size'),
    loaded: isCrashKernelLoaded({ files }),
    disabled: number('/proc/sys/kernel/kexec_load_disabled') === 1,
    attemptsLeft: limit === undefined || limit < 0 ? undefined : limit,
    handlesHotplug: hotplug.some((value) => value === 1) && hotplug.every((value) => value === 1 || value === undefined),
  };
}

export function isCrashKernelLoaded({ files }: Pick<System, 'files'>): boolean {
  return files.readTextIfThere('/sys/kernel/kexec_crash_loaded')?.trim() === '1';
}

/** True when this process may load kernels: CAP_SYS_BOOT where the kernel tells, else user 0. */
export function mayLoadKernels(system: System): boolean {
  const match = /^CapEff:\s+([0-9a-f]{1,16})$/m.exec(system.files.readTextIfThere('/proc/self/status') ?? '');
  if (match === null) return system.kernel.effectiveUserId() === 0;
  return ((BigInt(`0x${match[1]}`) >> bootCapability) & 1n) === 1n;
}
