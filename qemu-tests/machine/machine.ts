/**
 * A Debian machine that boots several times over the same disks: it arms itself, crashes, is captured by its own image, and boots again.
 *
 * Comes in: memory, disks, and for each boot the steps it runs. Goes out: what each step printed, the files it sent, and how a crash ended. The
 * first kernel's word is what it wrote to its ports; the capture kernel has no such ports, so what it did is judged by how the machine ended,
 * by its console and by what the next boot finds.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import { kernelFiles } from '../kernel-files.ts';
import type { Kernel } from '../kernels.ts';
import { type Boot, type BootOptions, bootOnce } from './boot.ts';
import type { MachineDisk } from './disks.ts';
import { makeRootDisk } from './root-disk.ts';

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
  /** A network card on QEMU's user network; a step puts it up with `network_up`. Default: false. */
  readonly network?: boolean;
  /** What the machine's own clock begins with at each boot, e.g. `1970-01-01T00:00:00`. Default: the host's time. */
  readonly clock?: string;
  /** Further words for the healthy kernel's command line. */
  readonly commandLine?: string;
};

export type Machine = {
  readonly folder: string;
  /** The file of a disk, `root` included. */
  readonly diskPath: (name: string) => string;
  /** @throws VmError when a step failed, the steps gave no verdict, or QEMU failed. A capture that went wrong is no error here. */
  readonly boot: (options: BootOptions) => Promise<Boot>;
};

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
