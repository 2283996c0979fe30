/**
 * A Debian machine that boots several times over the same disks: it arms itself, crashes, is captured by its own image, and boots again.
 *
 * Comes in: memory, disks, and for each boot the steps it runs. Goes out: what each step printed, the files it sent, and how a crash ended. The
 * first kernel's word is what it wrote to its ports; the capture kernel has no such ports, so what it did is judged by how the machine ended,
 * by its console and by what the next boot finds.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { kernelFiles } from '../kernel-files.ts';
import { guestWords, type Kernel } from '../kernels.ts';
import { runVm, type VmControl, VmError } from '../vm.ts';
import { bootScript, type Step } from './boot-script.ts';
import { type Capture, CaptureWatch } from './capture-watch.ts';
import type { Attachment, MachineDisk } from './disks.ts';
import { applyFault, type Fault, type Scene } from './faults.ts';
import { machineArgv } from './machine-argv.ts';
import { buildMemoryVmcore, recordMemoryMap } from './memory-vmcore.ts';
import { makeRootDisk, rootUuid } from './root-disk.ts';
import { makeStartInitramfs } from './start-initramfs.ts';

export type MachineOptions = {
  readonly kernel: Kernel;
  readonly executable: string;
  /** Evidence and disks live here; emptied first. */
  readonly folder: string;
  /** Default: 2048. */
  readonly memoryMiB?: number;
  /** Default: 2. */
  readonly cpus?: number;
  /** The word's value; `undefined`: no reservation. */
  readonly crashkernel?: string;
  readonly disks?: readonly MachineDisk[];
  /** A whole systemd, or only the steps. Default: false. */
  readonly systemd?: boolean;
  /** Without systemd: whether udev runs. Default: true. */
  readonly udev?: boolean;
  /** Further words for the healthy kernel's command line. */
  readonly commandLine?: string;
};

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

export type Machine = {
  readonly folder: string;
  /** The file of a disk, `root` included. */
  readonly diskPath: (name: string) => string;
  /** @throws VmError when a step failed, the steps gave no verdict, or QEMU failed. A capture that went wrong is no error here. */
  readonly boot: (options: BootOptions) => Promise<Boot>;
};

const memoryName = 'memory';
const mapFolder = '/run/machine/memory-map';

export function createMachine(options: MachineOptions): Machine {
  const { folder } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const kernel = kernelFiles(options.kernel);
  const diskPath = (name: string) => join(folder, `${name}.disk`);
  makeRootDisk(diskPath('root'), kernel, options.executable);
  for (const { name, sizeMiB } of options.disks ?? []) command(['truncate', '-s', `${sizeMiB}M`, diskPath(name)]);
  let boots = 0;
  const boot = async (bootOptions: BootOptions) => {
    boots += 1;
    const at = join(folder, `boot-${boots}`);
    mkdirSync(at);
    return bootOnce(options, bootOptions, { at, firstBoot: boots === 1, diskPath });
  };
  return { folder, diskPath, boot };
}

type Place = { readonly at: string; readonly firstBoot: boolean; readonly diskPath: (name: string) => string };

async function bootOnce(machine: MachineOptions, options: BootOptions, { at, firstBoot, diskPath }: Place): Promise<Boot> {
  const kernel = kernelFiles(machine.kernel);
  const path = (name: string) => join(at, name);
  const disks = machine.disks ?? [];
  const crash = options.crash === true ? 'crash_now' : options.crash === false ? undefined : options.crash;
  const steps = options.keepMemory === true ? [...options.steps, { name: 'memory-map', run: recordMemoryMap(mapFolder) }] : options.steps;
  const collect = [...(options.collect ?? []), ...(options.keepMemory === true ? [mapFolder] : [])];
  const script = bootScript({ disks, firstBoot, files: options.files ?? {}, steps, collect, crash });
  makeStartInitramfs(path('initramfs'), kernel, {
    systemd: options.systemd ?? machine.systemd ?? false,
    udev: machine.udev ?? true,
    script,
  });
  const crashkernel = options.crashkernel ?? machine.crashkernel;
  const memoryMiB = machine.memoryMiB ?? 2048;
  const argv = machineArgv({
    kernel: machine.kernel,
    memoryMiB,
    cpus: machine.cpus ?? 2,
    image: kernel.image,
    initramfs: path('initramfs'),
    commandLine: [
      `console=ttyS0 ${guestWords}`,
      `root=UUID=${rootUuid}`,
      'rw',
      crashkernel === undefined ? '' : `crashkernel=${crashkernel}`,
      machine.commandLine ?? '',
      options.commandLine ?? '',
    ]
      .filter((word) => word !== '')
      .join(' '),
    disks: ['root', ...disks.map(({ name }) => name)].map((name) => ({ name, path: diskPath(name), attachment: options.attach?.[name] })),
    ports: ['verdict', 'report', 'files'].map((name) => ({ name, path: path(name) })),
    consolePath: path('console'),
  });
  writeFileSync(path('command'), `${argv.map(shellQuote).join(' ')}\n`);

  const watch = new CaptureWatch(path('console'));
  const report = new Map<string, string>();
  const follow = new Follower(options, watch, report, at, memoryMiB);
  const stepsMs = (options.stepsLimitSeconds ?? 300) * 1000;
  const captureMs = (options.captureLimitSeconds ?? 180) * 1000;
  const totalSeconds = await runVm({
    argv,
    consolePath: path('console'),
    // The follower ends a capture that takes too long; this ends all else.
    timeoutMs: stepsMs + (crash === undefined ? 0 : captureMs + 15_000),
    onTick: (control) => follow.tick(control, captureMs / 1000),
    onMessage: (message) => follow.hear(message),
  });
  rmSync(path('initramfs'));
  demandVerdict(path('verdict'), path('console'), report);
  unpack(path('files'), path('sent'));
  return {
    folder: at,
    consolePath: path('console'),
    release: kernel.release,
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

/** Follows one boot: reads the report port, applies faults, keeps the time limit of a capture. */
class Follower {
  readonly #options: BootOptions;
  readonly #watch: CaptureWatch;
  readonly #report: Map<string, string>;
  readonly #folder: string;
  readonly #memoryMiB: number;
  readonly #waiting: Set<Fault>;
  #linesSeen = 0;
  #memoryTaken = false;

  constructor(options: BootOptions, watch: CaptureWatch, report: Map<string, string>, folder: string, memoryMiB: number) {
    this.#options = options;
    this.#watch = watch;
    this.#report = report;
    this.#folder = folder;
    this.#memoryMiB = memoryMiB;
    this.#waiting = new Set(options.faults ?? []);
  }

  hear(message: Parameters<CaptureWatch['hear']>[0]): void {
    this.#watch.hear(message);
    // A request QEMU refuses shall be found with the evidence.
    if (message.error !== undefined) this.#noteProblem(message.error.desc);
  }

  get #scene(): Scene {
    return { report: this.#report, folder: this.#folder, onProblem: (problem) => this.#noteProblem(problem) };
  }

  #noteProblem(problem: string): void {
    this.#report.set(`qemu-error-${this.#report.size}`, problem);
  }

  tick(control: VmControl, limitSeconds: number): void {
    this.#readReport(control);
    this.#watch.look();
    if (!this.#watch.crashed) return;
    const console = this.#watch.captureConsole();
    for (const fault of this.#waiting) {
      if (fault.when !== 'crash' && !fault.when.test(console)) continue;
      this.#waiting.delete(fault);
      applyFault(control, fault.action, this.#scene);
    }
    if (this.#options.keepMemory === true && this.#watch.agentSeen && !this.#memoryTaken) this.#takeMemory(control);
    if (this.#watch.secondsSinceCrash() > limitSeconds) control.execute('quit');
  }

  #readReport(control: VmControl): void {
    const path = join(this.#folder, 'report');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
    for (const line of lines.slice(this.#linesSeen)) {
      const [key, ...rest] = line.split('=');
      this.#report.set(key, rest.join('='));
      if (key === 'crash') this.#watch.crash();
      if (key === 'unplug') applyFault(control, { kind: 'unplug', disk: rest.join('=') }, this.#scene);
    }
    this.#linesSeen = lines.length;
  }

  /** All memory lies below 4 GiB (up to 2 GiB of it QEMU puts there), so an address is an offset. */
  #takeMemory(control: VmControl): void {
    this.#memoryTaken = true;
    control.execute('stop');
    control.execute('pmemsave', { val: 0, size: this.#memoryMiB * 1024 * 1024, filename: join(this.#folder, memoryName) });
    control.execute('cont');
  }
}

function demandVerdict(path: string, consolePath: string, report: ReadonlyMap<string, string>): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (text === '0') return;
  const lastStep = [...report.keys()]
    .filter((key) => key.startsWith('begin.'))
    .at(-1)
    ?.slice('begin.'.length);
  const found = text === '' ? 'ended without a verdict' : `failed at step number ${text}`;
  throw new VmError(`Cannot accept the boot: the machine ${found}; the last step was "${lastStep ?? 'none'}"`, consolePath);
}

/** What was sent: tar archives one behind the other. */
function unpack(archives: string, target: string): void {
  mkdirSync(target);
  if (statSync(archives).size === 0) return;
  command(['tar', '-x', '-p', '--ignore-zeros', '-f', archives, '-C', target]);
}

function stepStatus(report: ReadonlyMap<string, string>, step: string): number {
  const line = report.get(`end.${step}`);
  if (line === undefined) throw new Error(`Cannot tell the status of step "${step}": it did not run to its end`);
  return Number(line.split(' ')[1]);
}

function stepSeconds(report: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const [key, value] of report) {
    const end = key.startsWith('begin.') ? report.get(key.replace('begin.', 'end.')) : undefined;
    if (end !== undefined) seconds.set(key.slice('begin.'.length), Number(end.split(' ')[0]) - Number(value));
  }
  return seconds;
}

function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
