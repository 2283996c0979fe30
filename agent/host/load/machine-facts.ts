/**
 * What the capture kernel's command line depends on in this machine: the boot CPU, hardware watchdogs, clouds with habits of their own.
 *
 * @source arch/x86/kernel/cpu/proc.c, show_cpuinfo(); Documentation/ABI/testing/sysfs-class-watchdog; Documentation/ABI/testing/sysfs-firmware-dmi-tables
 */
import { basename } from 'node:path';
import type { System } from '../../sys/system.ts';

export type MachineFacts = {
  /** As in `uname -m`. */
  readonly machine: string;
  /** x86: the initial APIC id of the CPU that booted. */
  readonly bootCpuApicId: number | undefined;
  /** 5-level page tables are in use. */
  readonly fiveLevel: boolean;
  /** Kernel modules of watchdogs that can warn before they reset. */
  readonly warningWatchdogs: readonly string[];
  readonly hasHpWatchdog: boolean;
  readonly isGraviton: boolean;
};

export function readMachineFacts(system: System): MachineFacts {
  const { machine } = system.kernel.utsname();
  const cpuinfo = system.files.readTextIfThere('/proc/cpuinfo') ?? '';
  const watchdogs = listWatchdogs(system);
  return {
    machine,
    bootCpuApicId: machine === 'x86_64' ? bootCpuApicId(cpuinfo) : undefined,
    fiveLevel: /^flags\s*:.*\bla57\b/m.test(cpuinfo),
    warningWatchdogs: [...new Set(watchdogs.filter(({ warns }) => warns).map(({ driver }) => driver))],
    hasHpWatchdog: watchdogs.some(({ driver }) => driver === 'hpwdt'),
    isGraviton: machine === 'aarch64' && (system.files.readTextIfThere('/sys/class/dmi/id/sys_vendor') ?? '').startsWith('Amazon EC2'),
  };
}

/** Of the block that begins `processor : 0`. */
export function bootCpuApicId(cpuinfo: string): number | undefined {
  const block = cpuinfo.split(/\n\s*\n/).find((text) => /^processor\s*:\s*0$/m.test(text));
  const match = /^initial apicid\s*:\s*(\d+)$/m.exec(block ?? '') ?? /^apicid\s*:\s*(\d+)$/m.exec(block ?? '');
  return match === null ? undefined : Number(match[1]);
}

type Watchdog = { readonly driver: string; readonly warns: boolean };

/** A driver that is built in has no module; its driver name is the next best. */
function listWatchdogs({ files }: System): readonly Watchdog[] {
  const folder = '/sys/class/watchdog';
  const found: Watchdog[] = [];
  for (const name of files.list(folder)) {
    const device = `${folder}/${name}/device/driver`;
    const path = files.realPath(`${device}/module`) ?? files.realPath(device);
    if (path === undefined) continue;
    const driver = basename(path);
    const warns =
      files.status(`${folder}/${name}/pretimeout`) !== undefined ||
      files.status(`/sys/module/${driver}/parameters/pretimeout`) !== undefined;
    if (/^[\w-]+$/.test(driver)) found.push({ driver, warns });
  }
  return found;
}
