/** One boot of a machine: puts its initramfs and command line together, runs it to its end, and collects what it left. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { kernelFiles } from '../kernel-files.ts';
import { guestWords } from '../kernels.ts';
import { runVm, VmError } from '../vm.ts';
import { BootFollower } from './boot-follower.ts';
import { bootScript, type Step } from './boot-script.ts';
import { type Capture, CaptureWatch } from './capture-watch.ts';
import type { Attachment } from './disks.ts';
import type { Fault } from './faults.ts';
import type { MachineOptions } from './machine.ts';
import { machineArgv } from './machine-argv.ts';
import { buildMemoryVmcore, recordMemoryMap } from './memory-vmcore.ts';
import { rootUuid } from './root-disk.ts';
import { makeStartInitramfs } from './start-initramfs.ts';
import { demandVerdict, stepSeconds, stepStatus } from './step-report.ts';

export type BootOptions = {
  readonly steps: readonly Step[];
  readonly files?: Readonly<Record<string, string>>;
  readonly collect?: readonly string[];
  /** Whether the machine crashes after the steps; a shell command does it in another way than sysrq. */
  readonly crash?: boolean | string;
  /** From the crash on; a machine that still runs then is ended, and the capture says so. Default: 180. */
  readonly captureLimitSeconds?: number;
  readonly attach?: Readonly<Record<string, Attachment>>;
  readonly faults?: readonly Fault[];
  /** Keeps QEMU's copy of the memory, taken when kcapture starts in the capture kernel. */
  readonly keepMemory?: boolean;
  /** Instead of the machine's own for this boot. */
  readonly crashkernel?: string;
  /** Beside the machine's own words. */
  readonly commandLine?: string;
  readonly systemd?: boolean;
  /** Until the steps are done. Default: 300. */
  readonly stepsLimitSeconds?: number;
};

export type Boot = {
  readonly folder: string;
  readonly consolePath: string;
  readonly release: string;
  /** What the steps reported, last value a key. */
  readonly report: ReadonlyMap<string, string>;
  /** What a step printed, both streams. @throws Error when there was no such step. */
  readonly output: (step: string) => string;
  /** A step's exit status. */
  readonly status: (step: string) => number;
  readonly stepSeconds: ReadonlyMap<string, number>;
  /** Seconds of the guest's clock until the first step. */
  readonly upSeconds: number;
  readonly totalSeconds: number;
  /** The host's copy of a path that was sent or collected, with its modes. */
  readonly file: (path: string) => string;
  /** @throws Error when the boot did not crash. */
  readonly capture: Capture;
  /** Makes a vmcore of the memory that was kept. @throws Error when none was. @returns Its path. */
  readonly memoryVmcore: () => string;
};

const memoryName = 'memory';
const mapFolder = '/run/machine/memory-map';

export type Place = { readonly at: string; readonly firstBoot: boolean; readonly diskPath: (name: string) => string };

/** @throws VmError when a step failed, the steps gave no verdict, a fault could not be brought about, or QEMU failed. */
export async function bootOnce(machine: MachineOptions, options: BootOptions, place: Place): Promise<Boot> {
  const path = (name: string) => join(place.at, name);
  const argv = prepareBoot(machine, options, place);
  const watch = new CaptureWatch(path('console'));
  const captureLimitSeconds = options.captureLimitSeconds ?? 180;
  const follower = new BootFollower(watch, {
    faults: options.faults ?? [],
    captureLimitSeconds,
    reportPath: path('report'),
    folder: place.at,
    memoryPath: options.keepMemory === true ? path(memoryName) : undefined,
    memoryBytes: memoryMiBOf(machine) * 1024 * 1024,
  });
  const totalSeconds = await runVm({
    argv,
    consolePath: path('console'),
    // The follower ends a capture that takes too long; this ends all else.
    timeoutMs: ((options.stepsLimitSeconds ?? 300) + (crashCommand(options) === undefined ? 0 : captureLimitSeconds + 15)) * 1000,
    onTick: (control) => follower.tick(control),
    onMessage: (message) => follower.hear(message),
  });
  rmSync(path('initramfs'));
  demandVerdict(path('verdict'), path('console'), follower.report);
  if (follower.problems.length > 0) throw new VmError(`Cannot accept the boot: ${follower.problems.join('; ')}`, path('console'));
  unpack(path('files'), path('sent'));
  return bootResult(place.at, kernelFiles(machine.kernel).release, { totalSeconds, watch, report: follower.report });
}

const memoryMiBOf = ({ memoryMiB }: MachineOptions) => memoryMiB ?? 2048;

function crashCommand({ crash }: BootOptions): string | undefined {
  return crash === true ? 'crash_now' : crash === false ? undefined : crash;
}

/** Writes what the machine starts from. @returns QEMU's argument vector. */
function prepareBoot(machine: MachineOptions, options: BootOptions, { at, firstBoot, diskPath }: Place): readonly string[] {
  const kernel = kernelFiles(machine.kernel);
  const path = (name: string) => join(at, name);
  const disks = machine.disks ?? [];
  const steps = options.keepMemory === true ? [...options.steps, { name: 'memory-map', run: recordMemoryMap(mapFolder) }] : options.steps;
  const collect = [...(options.collect ?? []), ...(options.keepMemory === true ? [mapFolder] : [])];
  const script = bootScript({ disks, firstBoot, files: options.files ?? {}, steps, collect, crash: crashCommand(options) });
  makeStartInitramfs(path('initramfs'), kernel, {
    systemd: options.systemd ?? machine.systemd ?? false,
    udev: machine.udev ?? true,
    script,
  });
  const argv = machineArgv({
    kernel: machine.kernel,
    memoryMiB: memoryMiBOf(machine),
    cpus: machine.cpus ?? 2,
    image: kernel.image,
    initramfs: path('initramfs'),
    commandLine: commandLine(machine, options),
    disks: ['root', ...disks.map(({ name }) => name)].map((name) => ({ name, path: diskPath(name), attachment: options.attach?.[name] })),
    ports: ['verdict', 'report', 'files'].map((name) => ({ name, path: path(name) })),
    consolePath: path('console'),
    network: machine.network ?? false,
    clock: machine.clock,
  });
  writeFileSync(path('command'), `${argv.map(shellQuote).join(' ')}\n`);
  return argv;
}

function commandLine(machine: MachineOptions, options: BootOptions): string {
  const crashkernel = options.crashkernel ?? machine.crashkernel;
  const reservation = crashkernel === undefined ? [] : [`crashkernel=${crashkernel}`];
  const further = [machine.commandLine, options.commandLine].filter((words) => words !== undefined);
  return ['console=ttyS0', guestWords, `root=UUID=${rootUuid}`, 'rw', ...reservation, ...further].join(' ');
}

type Followed = { readonly totalSeconds: number; readonly watch: CaptureWatch; readonly report: ReadonlyMap<string, string> };

function bootResult(at: string, release: string, { totalSeconds, watch, report }: Followed): Boot {
  const path = (name: string) => join(at, name);
  return {
    folder: at,
    consolePath: path('console'),
    release,
    report,
    output: (step) => readFileSync(path(`sent/run/machine/output/${step}`), 'utf8'),
    status: (step) => stepStatus(report, step),
    stepSeconds: stepSeconds(report),
    upSeconds: Number(report.get('up')),
    totalSeconds,
    file: (name) => path(`sent${name}`),
    memoryVmcore: () => {
      const target = path('memory-vmcore');
      buildMemoryVmcore(path(memoryName), path(`sent${mapFolder}`), target);
      return target;
    },
    get capture() {
      if (!watch.crashed) throw new Error(`Cannot tell how the capture ended: the machine in ${at} did not crash`);
      return watch.result(existsSync(path(memoryName)) ? path(memoryName) : undefined);
    },
  };
}

/** What was sent: tar archives one behind the other. */
function unpack(archives: string, target: string): void {
  mkdirSync(target);
  if (statSync(archives).size === 0) return;
  command(['tar', '-x', '-p', '--ignore-zeros', '-f', archives, '-C', target]);
}

function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
