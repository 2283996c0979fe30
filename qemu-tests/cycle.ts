/**
 * One whole cycle: boot a kernel, fill its memory, load the capture kernel, crash, capture, and collect what was saved.
 *
 * Two verdicts come back as numbers on named ports: `armed` from the kernel that crashes, `captured` from the capture kernel; 0 is good, any
 * other number is the step that failed. A machine that ends without both has failed, whatever its console says.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Disk, qemuArgv } from './argv.ts';
import { command } from './command.ts';
import { baseInitramfs, executableSquashfs, singleFileCpio } from './initramfs.ts';
import { kernelFiles } from './kernel-files.ts';
import { guestWords, type Kernel } from './kernels.ts';
import { runVm, type VmControl, VmError } from './vm.ts';

export type CaptureStep = {
  readonly name: string;
  /** A busybox shell command; `/exe/kcapture` is the executable, `/disk` the dump disk, `copy_raw` saves `/proc/vmcore` whole. */
  readonly run: string;
};

export type CycleOptions = {
  readonly kernel: Kernel;
  readonly executable: string;
  /** Evidence lives here; emptied first. */
  readonly folder: string;
  readonly steps: readonly CaptureStep[];
  /** Size of the disk for `copy_raw`. Default: no such disk. */
  readonly rawDiskMiB?: number;
  readonly dumpDiskMiB?: number;
  readonly crashkernel?: string;
  /** The squashfs with the executable in the capture kernel's image. Default: one that is packed faster. */
  readonly payload?: string;
  /** Makes another initramfs out of the base archive, for guests with a workload of their own. Default: the base archive. */
  readonly initramfs?: (base: string) => string;
  readonly timeoutMs?: number;
  /** Called with each line the guest reports, as it comes. */
  readonly onReport?: (key: string, value: string) => void;
};

export type Cycle = {
  readonly folder: string;
  /** `uname -r` of the crashed kernel. */
  readonly release: string;
  /** What the guest reported, last value a key. */
  readonly report: ReadonlyMap<string, string>;
  /** Seconds each step of the guest took, in the order they ran. */
  readonly stepSeconds: ReadonlyMap<string, number>;
  readonly totalSeconds: number;
  readonly consolePath: string;
  readonly dumpDisk: string;
  /** The raw vmcore, cut to its true size, when a step copied it. */
  readonly rawVmcore: string | undefined;
  /** Takes a file out of the dump disk. @param name Path inside the disk, without the leading slash. */
  readonly extract: (name: string) => string;
};

/** Memory the host takes back from the guest before the crash: pages that are offline. */
const balloonMiB = 32;
const defaultTimeoutMs = 420_000;

/** @throws VmError when a verdict is missing or not 0, the machine ran out of time, or QEMU failed. */
export async function runCycle(options: CycleOptions): Promise<Cycle> {
  const { folder, kernel } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = kernelFiles(kernel);
  const harness = baseInitramfs(files, options.executable);
  const base = options.initramfs?.(harness) ?? harness;
  const at = (name: string) => join(folder, name);

  const ports = ['armed', 'captured', 'report'].map((name) => ({ name, path: at(name) }));
  const disks = makeDisks(options, base, files.image);
  const argv = qemuArgv({
    kernel,
    image: files.image,
    initramfs: base,
    commandLine: `console=ttyS0 ${guestWords} panic=-1 crashkernel=${options.crashkernel ?? '256M'} kcapture.role=crash`,
    disks,
    ports,
    consolePath: at('console'),
  });
  writeFileSync(at('command'), `${argv.map(shellQuote).join(' ')}\n`);

  const report = new Map<string, string>();
  let linesSeen = 0;
  const onTick = (control: VmControl) => {
    const lines = existsSync(at('report')) ? readFileSync(at('report'), 'utf8').split('\n').slice(0, -1) : [];
    for (const line of lines.slice(linesSeen)) {
      const [key, ...rest] = line.split('=');
      report.set(key, rest.join('='));
      if (key === 'balloon') control.balloon((kernel.memoryMiB - balloonMiB) * 1024 * 1024);
      options.onReport?.(key, rest.join('='));
    }
    linesSeen = lines.length;
  };
  const totalSeconds = await runVm({ argv, consolePath: at('console'), timeoutMs: options.timeoutMs ?? defaultTimeoutMs, onTick });
  demandVerdict('armed', at('armed'), at('console'));
  demandVerdict('captured', at('captured'), at('console'));
  return {
    folder,
    release: files.release,
    report,
    stepSeconds: stepSeconds(report),
    totalSeconds,
    consolePath: at('console'),
    dumpDisk: at('dump.ext4'),
    rawVmcore: cutRawVmcore(at('raw'), report.get('vmcore-bytes')),
    extract: (name) => extractFile(at('dump.ext4'), name, folder),
  };
}

/** Names of the two halves' verdicts, and what a machine that gave none most likely did. */
function demandVerdict(name: string, path: string, consolePath: string): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (text === '0') return;
  if (text === '') throw new VmError(`Cannot accept the run: the machine ended without the verdict "${name}"`, consolePath);
  throw new VmError(`Cannot accept the run: verdict "${name}" is ${text}, the number of the failed step, expected 0`, consolePath);
}

function makeDisks(options: CycleOptions, base: string, image: string): readonly Disk[] {
  const { folder } = options;
  const squashfs = executableSquashfs(options.executable);
  const bootDisk = join(folder, 'boot.ext4');
  // The kernel unpacks archives that stand one behind the other as one.
  const [scenario, packed] = [join(folder, 'scenario.cpio'), join(folder, 'executable.cpio')];
  singleFileCpio(packed, 'executable.squashfs', { copyOf: options.payload ?? squashfs });
  singleFileCpio(scenario, 'scenario.sh', scenarioScript(options.steps));
  makeBootDisk(bootDisk, image, [base, packed, scenario], folder);
  rmSync(packed);

  const dumpDisk = join(folder, 'dump.ext4');
  command(['truncate', '-s', `${options.dumpDiskMiB ?? 6144}M`, dumpDisk]);
  command(['mke2fs', '-q', '-t', 'ext4', '-E', 'lazy_itable_init=1,lazy_journal_init=1', dumpDisk]);
  const disks = [
    { serial: 'executable', path: squashfs, readOnly: true },
    { serial: 'boot', path: bootDisk, readOnly: true },
    { serial: 'dump', path: dumpDisk, readOnly: false },
  ];
  if (options.rawDiskMiB === undefined) return disks;
  command(['truncate', '-s', `${options.rawDiskMiB}M`, join(folder, 'raw')]);
  return [...disks, { serial: 'raw', path: join(folder, 'raw'), readOnly: false }];
}

/** Each step becomes a function, so that its command may be more than one. */
function scenarioScript(steps: readonly CaptureStep[]): string {
  return steps.map(({ name, run }, index) => `step_${index}() {\n${run}\n}\nstep ${name} step_${index}\n`).join('');
}

/** A read-only ext4 disk with the capture kernel's two files, as a boot partition would have them. */
function makeBootDisk(disk: string, image: string, archives: readonly string[], folder: string): void {
  const content = join(folder, 'boot');
  mkdirSync(content);
  command(['cp', '--reflink=auto', image, join(content, 'vmlinuz')]);
  concatenate(archives, join(content, 'initrd'));
  const size = statSync(join(content, 'vmlinuz')).size + statSync(join(content, 'initrd')).size;
  command(['truncate', '-s', `${Math.ceil(size / 1048576) + 24}M`, disk]);
  command(['mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-d', content, disk]);
  rmSync(content, { recursive: true });
}

function concatenate(archives: readonly string[], target: string): void {
  command(['sh', '-c', 'out=$1; shift; exec cat "$@" >"$out"', 'sh', target, ...archives]);
}

function stepSeconds(report: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const [key, value] of report) {
    if (!key.startsWith('begin.')) continue;
    const name = key.slice('begin.'.length);
    const end = report.get(`end.${name}`);
    if (end !== undefined) seconds.set(name, Number(end.split(' ')[0]) - Number(value));
  }
  return seconds;
}

function cutRawVmcore(path: string, sizeBytes: string | undefined): string | undefined {
  if (sizeBytes === undefined || !existsSync(path)) return undefined;
  if (Number(sizeBytes) > statSync(path).size)
    throw new Error(`Cannot cut ${path}: /proc/vmcore had ${sizeBytes} bytes, the disk is smaller`);
  truncateSync(path, Number(sizeBytes));
  return path;
}

function extractFile(disk: string, name: string, folder: string): string {
  const target = join(folder, name.replaceAll('/', '-'));
  rmSync(target, { force: true });
  command(['debugfs', '-R', `dump /${name} ${target}`, disk]);
  if (!existsSync(target) || statSync(target).size === 0) throw new Error(`Cannot take "${name}" out of ${disk}: it is not there or empty`);
  return target;
}

function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
