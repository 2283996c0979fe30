/**
 * Shows the main job to a person: a Debian kernel crashes in QEMU, the executable saves its memory from the capture kernel, and what was saved is
 * looked at. `npm run demo`, or `npm run demo -- 7.2` for another kernel of the table. The files stay in `dist/demo`.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { command } from './command.ts';
import { type Cycle, runCycle } from './cycle.ts';
import { DemoScreen } from './demo-screen.ts';
import { executableSquashfs } from './initramfs.ts';
import { kernelFiles } from './kernel-files.ts';
import { findKernel, type Kernel } from './kernels.ts';

const root = join(import.meta.dirname, '..');
const executable = join(root, 'dist/kcapture');
const results = join(root, 'dist/demo');
const crashkernelMiB = 256;

/** What the guests' steps are called on the screen. */
const labels: Readonly<Record<string, string>> = {
  disks: 'mount its disks',
  'page-cache': 'fill the page cache: files, tmpfs, a block device',
  hugepages: 'reserve huge pages',
  balloon: 'take memory out of it by the balloon',
  workload: 'run a workload: user memory, sockets, 10,000 files',
  poison: 'have the kernel retire some pages',
  arm: 'load the capture kernel (kexec -s -p)',
  executable: 'mount the executable out of the initramfs',
  'dump-disk': 'mount the disk for the dump',
  log: 'save the log: kcapture dmesg',
  dump: 'filter and save the memory: kcapture dump -d 31',
  unmount: 'unmount the disk, power off',
};

const screen = new DemoScreen();
try {
  await demo(findKernel(process.argv[2] ?? '6.1'));
} catch (error) {
  screen.fail(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

async function demo(kernel: Kernel): Promise<void> {
  screen.title('kcapture: crash a Debian kernel, save its memory, look at it');
  prepare(kernel);
  const cycle = await crash(kernel);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  for (const name of ['vmcore', 'vmcore-dmesg.txt', 'summary']) copyFileSync(cycle.extract(name), join(results, name));
  copyFileSync(cycle.consolePath, join(results, 'console.log'));
  rmSync(cycle.folder, { recursive: true });

  screen.section('What the executable said in the capture kernel');
  screen.text(readFileSync(join(results, 'summary'), 'utf8'));
  screen.section('What the dump tells: kcapture inspect');
  screen.text(command([executable, 'inspect', relative(root, join(results, 'vmcore'))], { cwd: root }));
  showFiles(cycle, kernel);
}

function prepare(kernel: Kernel): void {
  screen.section('Preparing');
  screen.timed('build the executable', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'build.ts')], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`Cannot build the executable: exit status ${status}\n${stdout}${stderr}`);
    return `${(statSync(executable).size / 1e6).toFixed(0)} MB`;
  });
  screen.timed(`get Debian's cloud kernel (${kernel.suite})`, () => kernelFiles(kernel).release);
  screen.timed('pack the executable for the initramfs', () => `${(statSync(executableSquashfs(executable)).size / 1e6).toFixed(0)} MB`);
}

async function crash(kernel: Kernel): Promise<Cycle> {
  screen.section(`The machine: QEMU without KVM, 2 CPUs, ${kernel.memoryMiB} MiB, crashkernel=${crashkernelMiB}M`);
  screen.begin('boot');
  return runCycle({
    kernel,
    executable,
    folder: join(root, 'dist/qemu/demo'),
    crashkernel: `${crashkernelMiB}M`,
    steps: [
      { name: 'log', run: '/exe/kcapture dmesg /proc/vmcore /disk/vmcore-dmesg.txt' },
      { name: 'dump', run: '/exe/kcapture dump -z -d 31 --show-stats --quiet /proc/vmcore /disk/vmcore >/disk/summary' },
    ],
    onReport: showProgress,
  });
}

/** A guest's line on the screen: a step begins, a step ends, or one kernel hands over to the other. */
function showProgress(key: string, value: string): void {
  const [event, step] = key.split('.');
  if (event === 'begin') {
    if (screen.isBusy) screen.end(`${Number(value).toFixed(1)} s`);
    screen.begin(labels[step] ?? step);
  } else if (event === 'end') screen.end();
  else if (key === 'kernel') screen.line(`running ${value}`);
  else if (key === 'crash') {
    screen.line('CRASH: echo c > /proc/sysrq-trigger');
    screen.section(`The capture kernel: the same kernel in ${crashkernelMiB} MiB, 1 CPU, nothing on board but busybox and the executable`);
    screen.begin('boot');
  }
}

function showFiles(cycle: Cycle, kernel: Kernel): void {
  const path = (name: string) => relative(process.cwd(), join(results, name));
  const size = (name: string) => formatSize(statSync(join(results, name)).size);
  const { imagePackage, release } = kernelFiles(kernel);
  screen.section('What you have now');
  screen.line(`${path('vmcore').padEnd(34)}${size('vmcore').padStart(10)}   the memory of the crashed kernel`);
  screen.line(`${path('vmcore-dmesg.txt').padEnd(34)}${size('vmcore-dmesg.txt').padStart(10)}   its log`);
  screen.line(`${path('console.log').padEnd(34)}${size('console.log').padStart(10)}   what both kernels wrote to the serial console`);
  screen.section('Open it');
  screen.line(`${relative(process.cwd(), executable)} dmesg ${path('vmcore')} | tail -40`);
  screen.line(`crash /usr/lib/debug/boot/vmlinux-${release} ${path('vmcore')}`);
  screen.line(`    (the vmlinux is in the package ${imagePackage.name}-dbg of ${kernel.suite})`);
  screen.line(`drgn -c ${path('vmcore')}`);
  screen.line('    (in the package python3-drgn; it wants the same vmlinux: -s FILE)');
  screen.line('');
  screen.line(
    `The machine ran for ${cycle.totalSeconds.toFixed(1)} s in all. Run "npm test" to have the dump judged by makedumpfile, crash, drgn and libkdumpfile.`,
  );
}

function formatSize(bytes: number): string {
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(0)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}
