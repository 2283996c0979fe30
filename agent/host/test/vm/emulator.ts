/**
 * QEMU for one run of a capture kernel whose old memory was made up.
 *
 * ```
 * 0 … memory          the capture kernel's, all it gets: `mem=` on its command line hides the rest
 * 4 GiB …             the made machine, where `elfcorehdr=` says
 * ```
 *
 * The low part ends at `max-ram-below-4g`, so that QEMU's loader puts kernel and image into it.
 */
import { MiB } from '../../../binary/units.ts';
import type { System } from '../../../sys/system.ts';
import { parseCommandLine } from '../../../linux/command-line.ts';
import { removeWords, formatCommandLine } from '../../../linux/command-line.ts';
import { TestError } from '../test-error.ts';

export type EmulatorRun = {
  readonly kernel: string;
  readonly image: string;
  /** The capture kernel's, as it would be loaded. */
  readonly commandLine: string;
  /** The made machine, with its ELF header in front. */
  readonly oldMemory: string;
  readonly oldMemoryBytes: number;
  readonly disk: string;
  readonly console: string;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
};

export type EmulatorResult = {
  /** `reboot`: the machine restarted or went off by itself. */
  readonly end: 'reboot' | 'timeout' | 'failed';
  /** What QEMU complained of, when it failed. */
  readonly complaint: string;
  readonly accelerator: 'kvm' | 'tcg';
};

export const oldMemoryAt = 4 * 1024 * MiB;
const program = 'qemu-system-x86_64';
/** Words for this machine's CPUs and consoles, and those that say what memory there is. */
const foreignWords = [
  'console',
  'earlyprintk',
  'earlycon',
  'disable_cpu_apicid',
  'elfcorehdr',
  'mem',
  'memmap',
  'crashkernel',
  'quiet',
  'splash',
];

/** @throws TestError `test/no-program`, `test/refused` */
export function runEmulator(system: System, run: EmulatorRun): EmulatorResult {
  const path = system.programs.find(program);
  if (path === undefined) {
    const hint =
      'Install qemu-system-x86 (Debian, Ubuntu), qemu-kvm or qemu-system-x86-core (Fedora), qemu-x86 (SUSE) or qemu-system-x86 (Arch).';
    throw new TestError('test/no-program', `Cannot test in a virtual machine: ${program} is not installed`, { hint });
  }
  if (system.files.status('/dev/kvm')?.kind === 'character') {
    const result = start(system, path, run, 'kvm');
    // Where the hardware refuses, QEMU dies before the first message of the kernel.
    if (result.end !== 'failed' || hasOutput(system, run.console)) return result;
  }
  return start(system, path, run, 'tcg');
}

function start(system: System, path: string, run: EmulatorRun, accelerator: 'kvm' | 'tcg'): EmulatorResult {
  const { status, stderr } = system.programs.run(emulatorArgv(path, run, accelerator), { timeoutMs: run.timeoutMs });
  const end = status === 0 ? 'reboot' : status === 124 ? 'timeout' : 'failed';
  return { end, complaint: stderr.trim().slice(-500), accelerator };
}

/** @throws TestError `test/refused`: a comma in a path would be an option of QEMU's */
export function emulatorArgv(path: string, run: EmulatorRun, accelerator: 'kvm' | 'tcg'): readonly string[] {
  for (const name of [run.oldMemory, run.disk, run.console]) {
    if (name.includes(',')) throw new TestError('test/refused', `Cannot use "${name}" for a virtual machine: its name holds a comma`);
  }
  const memoryMiB = Math.floor(run.memoryBytes / MiB);
  const oldMiB = Math.ceil(run.oldMemoryBytes / MiB);
  return [
    path,
    ...['-machine', `q35,accel=${accelerator},max-ram-below-4g=${memoryMiB}M`, '-m', `${memoryMiB + oldMiB}M`, '-smp', '1'],
    // SSE4.2 is needed; 5-level page tables are not in every kernel, and cmpxchg16b is broken in some emulators.
    ...['-cpu', accelerator === 'kvm' ? 'host' : 'max,-la57,-cx16'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', `file:${run.console}`],
    ...['-device', `loader,file=${run.oldMemory},addr=0x${oldMemoryAt.toString(16)},force-raw=on`],
    ...['-drive', `if=none,id=disk,file=${run.disk},format=raw,cache=unsafe`, '-device', 'virtio-blk-pci,drive=disk'],
    ...['-kernel', run.kernel, '-initrd', run.image, '-append', emulatorCommandLine(run.commandLine, memoryMiB)],
  ];
}

/** The line as it would be loaded, with this machine's words in place of the real one's. The end is always a reboot: nobody could see a halt. */
export function emulatorCommandLine(line: string, memoryMiB: number): string {
  const kept = removeWords(parseCommandLine(line), foreignWords).filter(({ name }) => !/\.(pretimeout|kdumptimeout)$/.test(name));
  const own = ['console=ttyS0', `elfcorehdr=0x${oldMemoryAt.toString(16)}`, `mem=${memoryMiB}M`];
  return [
    formatCommandLine(kept),
    ...own,
    'kcapture.final_action=reboot',
    'kcapture.failure_action=reboot',
    'kcapture.dmesg_only_below=never',
  ].join(' ');
}

function hasOutput({ files }: System, path: string): boolean {
  return (files.status(path)?.sizeBytes ?? 0) > 0;
}
