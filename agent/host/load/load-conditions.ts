/**
 * Everything that can be known to fail before the old image is given up: the kernel frees it first and looks at the new one afterwards.
 *
 * Comes in: what is to be loaded. Goes out: one error for each reason, none when the call has every chance.
 */
import { formatBytes, MiB } from '../../binary/units.ts';
import type { KcaptureError } from '../../errors.ts';
import { parseCommandLine } from '../../linux/command-line.ts';
import { tryReservation } from '../../linux/crashkernel-reservation.ts';
import { readMemoryMap } from '../../linux/iomem.ts';
import { readKernelConfig } from '../../linux/kernel-config.ts';
import type { KernelImage } from '../../linux/kernel-image.ts';
import { readLockdown } from '../../linux/lockdown.ts';
import type { System } from '../../sys/system.ts';
import { checkLineLength } from './check-line-length.ts';
import { type Circumstances, explainRefusal } from './explain-refusal.ts';
import { type KexecState, mayLoadKernels, readKexecState } from './kexec-state.ts';
import { LoadError } from './load-error.ts';
import type { MachineFacts } from './machine-facts.ts';

/** What the kernel adds to its own size and the image's: boot parameters, ELF header of the old memory, start code, alignment. */
const loaderBytes = 2 * MiB;

/** The machine as loading sees it, without anything that is to be loaded. */
export type LoadSetting = {
  readonly state: KexecState;
  readonly regionBytes: number;
  readonly mayLoad: boolean;
  readonly lockdown: ReturnType<typeof readLockdown>;
  readonly signatureForced: boolean;
};

export function readLoadSetting(system: System): LoadSetting {
  const state = readKexecState(system);
  const pieces = readMemoryMap(system).crashKernel.map(({ start, end }) => end - start);
  const config = readKernelConfig(system, system.kernel.utsname().release);
  return {
    state,
    // Before Linux 6.5 kexec_crash_size does not count the low part, and only one part holds the image.
    regionBytes: pieces.length > 0 ? Math.max(...pieces) : (state.reservedBytes ?? 0),
    mayLoad: mayLoadKernels(system),
    lockdown: readLockdown(system),
    signatureForced: config?.options.get('KEXEC_SIG_FORCE') === 'y',
  };
}

/** Why nothing at all can be loaded here. Most basic first. */
export function settingProblems(system: System, setting: LoadSetting): readonly KcaptureError[] {
  const { state } = setting;
  const problems: KcaptureError[] = [];
  if (state.reservedBytes === undefined) {
    const message =
      'Cannot load a capture kernel: the running kernel has no /sys/kernel/kexec_crash_size, expected one with CONFIG_CRASH_DUMP';
    return [
      new LoadError('load/state', message, {
        hint: 'Mount /sys, or use a kernel that was built with CONFIG_KEXEC_FILE and CONFIG_CRASH_DUMP.',
      }),
    ];
  }
  if (!setting.mayLoad) problems.push(refusal('load/permission', 'EPERM', setting));
  else if (state.disabled || state.attemptsLeft === 0) problems.push(refusal('load/forbidden', 'EPERM', setting));
  if (state.reservedBytes === 0) problems.push(noReservation(system));
  return problems;
}

function noReservation(system: System): LoadError {
  const words = parseCommandLine(system.files.readTextIfThere('/proc/cmdline') ?? '').filter(({ name }) => name === 'crashkernel');
  const hint = 'Run "kcapture estimate": it says how much to reserve and which file to edit. Then restart.';
  const message = 'Cannot load a capture kernel: no memory is reserved for one';
  if (words.length === 0) return new LoadError('load/no-reservation', `${message}, the kernel was started without crashkernel=`, { hint });
  const memoryBytes = readMemoryMap(system).systemRamBytes || meminfoTotal(system);
  const { reservation, problem } = tryReservation(words, { memoryBytes, machine: system.kernel.utsname().machine });
  if (problem !== undefined) return new LoadError('load/no-reservation', `${message}: ${problem.message}`, { hint, cause: problem });
  const why =
    reservation?.totalBytes === 0 ? reservation.explanation.join('; ') : 'the kernel found no free piece of that size ("dmesg" has a line)';
  return new LoadError('load/no-reservation', `${message} although it was asked for: ${why}`, { hint });
}

function meminfoTotal({ files }: System): number {
  return Number(/^MemTotal:\s+(\d{1,15}) kB$/m.exec(files.readTextIfThere('/proc/meminfo') ?? '')?.[1] ?? 0) * 1024;
}

export type LoadCandidate = {
  readonly kernel: KernelImage;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** `undefined`: it is not made yet. */
  readonly initramfsBytes: number | undefined;
  readonly line: string;
  readonly facts: MachineFacts;
};

/** Why this pair would be refused here. */
export function candidateProblems(setting: LoadSetting, candidate: LoadCandidate): readonly KcaptureError[] {
  const about = circumstances(setting, candidate);
  const { kernel } = candidate;
  const problems: KcaptureError[] = [];
  if ((setting.lockdown.state ?? 'none') !== 'none' && !kernel.signed)
    problems.push(refusal('load/signature', 'EPERM', { ...setting, mayLoad: true }, about));
  else if (setting.signatureForced && !kernel.signed) problems.push(refusal('load/signature', 'EKEYREJECTED', setting, about));
  if (about.fiveLevel && kernel.fiveLevel === false) problems.push(refusal('load/kernel', 'ENOEXEC', setting, about));
  if (candidate.initramfsBytes === 0)
    problems.push(
      new LoadError('load/image', `Cannot load "${candidate.initramfsPath}": it is empty`, { hint: 'Run "kcapture load --rebuild".' }),
    );
  if (setting.regionBytes > 0 && about.neededBytes > setting.regionBytes) problems.push(tooSmall(setting, candidate, about.neededBytes));
  const lineProblem = lineLengthProblem(candidate);
  return lineProblem === undefined ? problems : [...problems, lineProblem];
}

function tooSmall(setting: LoadSetting, { kernel, initramfsBytes }: LoadCandidate, neededBytes: number): LoadError {
  const parts = `kernel ${formatBytes(kernel.memoryBytes ?? 0)}, image ${formatBytes(initramfsBytes ?? 0)}`;
  const message = `Cannot load the capture kernel: the largest piece of the reservation has ${formatBytes(setting.regionBytes)}, expected at least ${formatBytes(neededBytes)} (${parts}) and much more to run`;
  return new LoadError('load/reservation', message, { hint: explainRefusal('EADDRNOTAVAIL', blank(setting)).remedy });
}

function lineLengthProblem({ line, kernel }: LoadCandidate): KcaptureError | undefined {
  try {
    checkLineLength(line, kernel);
    return undefined;
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
}

/** What decides the meaning of an errno. */
export function circumstances(setting: LoadSetting, { kernel, initramfsBytes, facts }: LoadCandidate): Circumstances {
  const neededBytes = (kernel.memoryBytes ?? 0) + (initramfsBytes ?? 0) + loaderBytes;
  return { ...setting, image: kernel, machine: facts.machine, fiveLevel: facts.fiveLevel, neededBytes };
}

/** Circumstances before a kernel is known. */
function blank(setting: LoadSetting): Circumstances {
  const image: KernelImage = {
    kind: 'bzimage',
    what: 'the kernel',
    machine: undefined,
    release: undefined,
    signed: false,
    memoryBytes: undefined,
    commandLineBytes: undefined,
    fiveLevel: undefined,
    problems: [],
  };
  return { ...setting, image, machine: '', fiveLevel: false, neededBytes: 0 };
}

function refusal(code: string, errno: string, setting: LoadSetting, about: Circumstances = blank(setting)): LoadError {
  const { cause, remedy } = explainRefusal(errno, { ...about, mayLoad: setting.mayLoad });
  return new LoadError(code, `Cannot load a capture kernel: ${cause}`, { hint: remedy });
}
