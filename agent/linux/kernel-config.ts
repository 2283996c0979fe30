/**
 * What a kernel was built with, as far as capturing a crash depends on it.
 *
 * Comes in: a system and a release. Goes out: the option values, and for each option that matters whether it is there and what is lost
 * without it. A kernel of which no configuration is found gives `undefined`: nothing is claimed.
 *
 * @source kernel/Kconfig.kexec, fs/proc/Kconfig, lib/Kconfig.debug; where distributions put the file: Debian and Fedora `/boot/config-R`, newer ones
 *   `/usr/lib/modules/R/config`, a running kernel with IKCONFIG_PROC `/proc/config.gz`
 */
import { gunzipSync } from 'node:zlib';
import { decodeText } from '../binary/text.ts';
import { MiB } from '../binary/units.ts';
import type { System } from '../sys/system.ts';

/** Option name without `CONFIG_` → `y`, `m`, a number or a text; what is not set is not there. */
export type KernelConfig = { readonly path: string; readonly options: ReadonlyMap<string, string> };

/** `required`: no dump without it. `wanted`: a dump is possible, but something is worse. */
export type KernelOptionCheck = {
  /** The first of the names below, with `CONFIG_`. */
  readonly option: string;
  readonly present: boolean;
  readonly weight: 'required' | 'wanted';
  /** What does not work without it. One sentence. */
  readonly without: string;
};

/** `crashing`: the kernel that runs and may panic. `capturing`: the one that is started then. */
export type KernelRole = 'crashing' | 'capturing';

export type KernelConfigCheck = {
  readonly release: string;
  /** `undefined`: no configuration was found, so nothing could be checked. */
  readonly path: string | undefined;
  readonly checks: readonly KernelOptionCheck[];
};

type Rule = {
  /** Any of them will do; older kernels had another name or implied it. */
  readonly anyOf: readonly string[];
  readonly roles: readonly KernelRole[];
  readonly weight: KernelOptionCheck['weight'];
  readonly without: string;
};

const rules: readonly Rule[] = [
  {
    // Linux kernel commit 2965faa5e03d ("kexec: split kexec_load syscall from kexec core code") (in v4.3) made KEXEC_CORE.
    anyOf: ['KEXEC_CORE', 'KEXEC'],
    roles: ['crashing'],
    weight: 'required',
    without: 'The kernel cannot start another one, so nothing captures a crash.',
  },
  {
    anyOf: ['KEXEC_FILE'],
    roles: ['crashing'],
    weight: 'required',
    without: 'The call kexec_file_load is missing, which is how the capture kernel is loaded.',
  },
  {
    anyOf: ['CRASH_DUMP'],
    roles: ['crashing', 'capturing'],
    weight: 'required',
    without: 'As the crashing kernel it reserves no memory or keeps no image; as the capture kernel it cannot see the old memory.',
  },
  {
    anyOf: ['PROC_VMCORE'],
    roles: ['capturing'],
    weight: 'required',
    without: 'There is no /proc/vmcore in the capture kernel, so there is nothing to save.',
  },
  {
    anyOf: ['RELOCATABLE', 'ARM64'],
    roles: ['capturing'],
    weight: 'required',
    without: 'The kernel only runs at its own fixed address and cannot start inside the reserved memory.',
  },
  {
    // Linux kernel commit 443cbaf9e2fd ("crash: split vmcoreinfo exporting code out from crash_core.c") (in v6.9) made VMCORE_INFO;
    // before, CRASH_CORE held it (since v4.12), and before that KEXEC_CORE or KEXEC.
    anyOf: ['VMCORE_INFO', 'CRASH_CORE', 'KEXEC_CORE', 'KEXEC'],
    roles: ['crashing'],
    weight: 'required',
    without: 'The dump does not say how the kernel lays out its memory: neither the log nor a filtered dump can be made.',
  },
  {
    anyOf: ['KALLSYMS'],
    roles: ['crashing'],
    weight: 'wanted',
    without: 'Call traces in the log show addresses instead of names.',
  },
  {
    anyOf: ['MAGIC_SYSRQ'],
    roles: ['crashing', 'capturing'],
    weight: 'wanted',
    without: 'No test crash by sysrq, and in the capture kernel the last means of a forced reboot is missing.',
  },
];

const maxConfigBytes = 4 * MiB;
/** An option with its value, as in `CONFIG_KEXEC=y`. */
const optionLine = /^CONFIG_([A-Z0-9_a-z]+)=(.*)$/;

/** The options of a configuration file's text. Lines that set nothing are skipped. */
export function parseKernelConfig(text: string): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = optionLine.exec(line.trim());
    if (match !== null) options.set(match[1], match[2].replace(/^"(.*)"$/, '$1'));
  }
  return options;
}

/** The configuration a kernel was built with; `undefined` when none is found or readable. `/proc/config.gz` counts for the running kernel only. */
export function readKernelConfig(system: System, release: string): KernelConfig | undefined {
  if (release === system.kernel.utsname().release) {
    const running = readRunningConfig(system);
    if (running !== undefined) return running;
  }
  const folders = [`/lib/modules/${release}`, `/usr/lib/modules/${release}`];
  for (const path of [
    `/boot/config-${release}`,
    ...folders.map((folder) => `${folder}/config`),
    `/usr/lib/ostree-boot/config-${release}`,
  ]) {
    const text = system.files.readTextIfThere(path, maxConfigBytes);
    if (text === undefined) continue;
    const options = parseKernelConfig(text);
    if (options.size > 0) return { path, options };
  }
  return undefined;
}

function readRunningConfig(system: System): KernelConfig | undefined {
  const path = '/proc/config.gz';
  if (system.files.status(path) === undefined) return undefined;
  try {
    const options = parseKernelConfig(decodeText(gunzipSync(system.files.readBytes(path), { maxOutputLength: maxConfigBytes })));
    return options.size > 0 ? { path, options } : undefined;
  } catch {
    // Not permitted, or not gzip: the other places are asked.
    return undefined;
  }
}

/** Which options that matter in these roles are there. Most important first. */
export function checkKernelConfig(
  system: System,
  release: string,
  roles: readonly KernelRole[] = ['crashing', 'capturing'],
): KernelConfigCheck {
  const config = readKernelConfig(system, release);
  if (config === undefined) return { release, path: undefined, checks: [] };
  const checks = rules
    .filter((rule) => rule.roles.some((role) => roles.includes(role)))
    .map(({ anyOf, weight, without }) => ({
      option: `CONFIG_${anyOf[0]}`,
      present: anyOf.some((name) => config.options.get(name) === 'y'),
      weight,
      without,
    }));
  return { release, path: config.path, checks };
}
