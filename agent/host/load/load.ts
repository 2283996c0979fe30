/**
 * Loads the capture kernel: prepares and checks everything, then makes the one call that gives up what was loaded before, and takes that back when it fails.
 *
 * Comes in: the configuration and what the command line asks for. Goes out: what is loaded now, or an error that says in which state the machine was left.
 *
 * @source kernel/kexec_file.c: the old crash image is freed before the new one is looked at
 */
import type { Configuration } from '../../config/configuration.ts';
import { KcaptureError } from '../../errors.ts';
import { KernelCallError } from '../../sys/kernel-error.ts';
import type { System } from '../../sys/system.ts';
import { buildCommandLine, type CaptureLine } from './build-command-line.ts';
import { explainRefusal } from './explain-refusal.ts';
import { isCrashKernelLoaded } from './kexec-state.ts';
import {
  candidateProblems,
  circumstances,
  type LoadCandidate,
  type LoadSetting,
  readLoadSetting,
  settingProblems,
} from './load-conditions.ts';
import { LoadError } from './load-error.ts';
import { type LoadedRecord, readBootId, readLoadedRecord, whyNotRestorable, writeLoadedRecord } from './loaded-record.ts';
import { readMachineFacts } from './machine-facts.ts';
import { prepareKernel, type PreparedKernel, removeOldKernels } from './prepare-kernel.ts';

/** The initramfs to load. */
export type ImageChoice = {
  readonly path: string;
  /** Where it belongs once it is loaded: a fresh one stands beside the one that may still be needed. */
  readonly finalPath: string;
  /** What the image wants on the command line. */
  readonly commandLineWords: readonly string[];
  readonly warnings: readonly string[];
  /** How it came about, for people: `built now by dracut`. */
  readonly origin: string;
  /** Takes it back when it was made for this load and cannot be loaded. */
  readonly discard: () => void;
};

export type LoadRequest = {
  readonly configuration: Configuration;
  /** A release or a file; over the configuration's. */
  readonly kernel: string | undefined;
  /** Finds or builds the image for a release. */
  readonly chooseImage: (release: string) => ImageChoice;
};

export type LoadPlan = {
  readonly kernel: PreparedKernel;
  readonly image: ImageChoice;
  /** `undefined`: in a dry run, when the image is not made yet. */
  readonly imageBytes: number | undefined;
  readonly line: CaptureLine;
  readonly setting: LoadSetting;
  readonly candidate: LoadCandidate;
  readonly warnings: readonly string[];
};

/**
 * Everything up to the call.
 * @param options.store false: nothing is written (for a dry run).
 * @throws LoadError, LinuxError and what `chooseImage` throws, when there is nothing to load; what speaks against loading is in `problemsOf`.
 */
export function planLoad(system: System, request: LoadRequest, options: { readonly store: boolean }): LoadPlan {
  const setting = readLoadSetting(system);
  const facts = readMachineFacts(system);
  const kernel = prepareKernel(system, request.kernel ?? request.configuration.kernel, options);
  const image = request.chooseImage(kernel.release);
  const status = system.files.status(image.path);
  if (status !== undefined && status.kind !== 'file') {
    throw new LoadError('load/image', `Cannot load "${image.path}": it is a ${status.kind}, expected a regular file`, {
      where: image.path,
    });
  }
  const running = system.files.readTextIfThere('/proc/cmdline') ?? '';
  const { commandLine: wish } = request.configuration;
  const line = buildCommandLine({ running, facts, wish, imageWords: image.commandLineWords });
  const imageBytes = status?.sizeBytes;
  const candidate = {
    kernel: kernel.image,
    kernelPath: kernel.path,
    initramfsPath: image.path,
    initramfsBytes: imageBytes,
    line: line.text,
    facts,
  };
  return { kernel, image, imageBytes, line, setting, candidate, warnings: image.warnings };
}

/** Why the plan would fail. Empty: nothing known speaks against it. */
export function problemsOf(system: System, plan: Pick<LoadPlan, 'setting' | 'candidate'>): readonly KcaptureError[] {
  return [...settingProblems(system, plan.setting), ...candidateProblems(plan.setting, plan.candidate)];
}

export type LoadResult = { readonly record: LoadedRecord; readonly warnings: readonly string[] };

/**
 * Makes the plan true.
 * @throws LoadError: the first known problem (nothing was touched then); `load/refused` when the kernel refused, with the state it left.
 */
export function executeLoad(system: System, plan: LoadPlan): LoadResult {
  const [problem] = problemsOf(system, plan);
  if (problem !== undefined) {
    plan.image.discard();
    throw problem;
  }
  const previous = rememberPrevious(system);
  const initramfsSha256 = system.files.sha256(plan.image.path);
  const record: LoadedRecord = {
    version: 1,
    loadedAt: new Date(system.kernel.wallClockMs()).toISOString(),
    bootId: readBootId(system),
    release: plan.kernel.release,
    kernel: plan.kernel.path,
    kernelSha256: plan.kernel.sha256,
    initramfs: plan.image.finalPath,
    initramfsSha256,
    commandLine: plan.line.text,
  };
  const logBefore = readKernelLog(system);
  try {
    callKernel(system, { ...record, initramfs: plan.image.path });
  } catch (error) {
    throw afterFailure(system, plan, previous, { error, logBefore });
  }
  if (plan.image.path !== plan.image.finalPath) system.rename(plan.image.path, plan.image.finalPath);
  writeLoadedRecord(system, record);
  removeOldKernels(system, [record.kernel]);
  return { record, warnings: plan.warnings };
}

/** What is loaded now, and whether it could be loaded again. */
type Previous = { readonly record: LoadedRecord | undefined; readonly wasLoaded: boolean; readonly lost: string | undefined };

function rememberPrevious(system: System): Previous {
  const wasLoaded = isCrashKernelLoaded(system);
  const record = readLoadedRecord(system);
  if (!wasLoaded) return { record, wasLoaded, lost: undefined };
  const lost = record === undefined ? 'another program loaded it' : whyNotRestorable(system, record);
  return { record, wasLoaded, lost };
}

/** The call, and the proof that it did what it said. */
function callKernel(system: System, { kernel, initramfs, commandLine }: Pick<LoadedRecord, 'kernel' | 'initramfs' | 'commandLine'>): void {
  system.kernel.kexecFileLoad({ kernel, initramfs, commandLine, onCrash: true });
  if (!isCrashKernelLoaded(system)) {
    const message = 'Cannot load the capture kernel: the call succeeded, but /sys/kernel/kexec_crash_loaded is not 1';
    throw new LoadError('load/state', message, { hint: 'Look at the last lines of "dmesg".' });
  }
}

type Failure = { readonly error: unknown; readonly logBefore: readonly string[] };

function afterFailure(system: System, plan: LoadPlan, previous: Previous, { error, logBefore }: Failure): unknown {
  if (!(error instanceof KcaptureError)) return error;
  const { cause, remedy } = describeFailure(plan, error);
  const words = kernelWords(readKernelLog(system), logBefore);
  const state = restore(system, previous);
  plan.image.discard();
  const said = words === undefined ? '' : ` The kernel says: "${words}".`;
  const message = `Cannot load the capture kernel "${plan.kernel.path}": ${cause}. ${state}`;
  return new LoadError('load/refused', message, { where: plan.kernel.path, hint: `${remedy}${said}`, cause: error });
}

function describeFailure(plan: LoadPlan, error: KcaptureError): { cause: string; remedy: string } {
  if (!(error instanceof KernelCallError)) return { cause: error.message, remedy: error.hint ?? 'Look at the last lines of "dmesg".' };
  const { cause, remedy } = explainRefusal(error.errno, circumstances(plan.setting, plan.candidate));
  return { cause: `${error.errno}, ${cause}`, remedy };
}

function readKernelLog(system: System): readonly string[] {
  return system.kernel
    .readLog(64 * 1024)
    .split('\n')
    .filter((line) => line !== '');
}

/** What the kernel wrote to its log about the call: the reason first, then who refused. Many kernels are silent. */
function kernelWords(log: readonly string[], before: readonly string[]): string | undefined {
  const fresh = log.slice(log.lastIndexOf(before.at(-1) ?? '') + 1);
  const about = fresh.filter((line) => /kexec|bzImage|lockdown|PEFILE|PKCS|X\.509|command line/i.test(line));
  const words = about.slice(-2).map((line) => line.replace(/^\[[^\]]*\] */, '').slice(0, 160));
  return words.length === 0 ? undefined : words.join('; ');
}

/** A call that failed took the old image away; it is loaded again where that is possible. */
function restore(system: System, { record, wasLoaded, lost }: Previous): string {
  if (isCrashKernelLoaded(system)) return 'What was loaded before is still loaded.';
  if (!wasLoaded) return 'Nothing was loaded before and nothing is loaded now: a crash would not be captured.';
  const gone = 'NOTHING IS LOADED NOW: a crash would not be captured.';
  if (record === undefined || lost !== undefined) return `The one that was loaded before cannot be loaded again (${lost}). ${gone}`;
  try {
    callKernel(system, record);
    return `The one that was loaded before (${record.release}) is loaded again.`;
  } catch (error) {
    return `Loading the one from before failed too (${error instanceof KcaptureError ? error.message : String(error)}). ${gone}`;
  }
}
