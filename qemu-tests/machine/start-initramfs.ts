/**
 * The initramfs a machine's healthy kernel starts from: the modules to reach the root disk, and in `/machine` the boot's scenario.
 */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packFolder } from '../initramfs.ts';
import type { KernelFiles } from '../kernel-files.ts';

export type Scenario = {
  readonly systemd: boolean;
  /** Whether a machine without systemd runs udev. */
  readonly udev: boolean;
  /** Shell; runs with the functions of `guest/steps.sh`. */
  readonly script: string;
};

const guestFolder = join(import.meta.dirname, 'guest');
const busybox = '/bin/busybox';
/** The engine's guests load these too; a machine must get by without them until kcapture asks for them. */
const notNeeded = ['squashfs.ko', 'loop.ko', 'virtio_balloon.ko', 'virtio_console.ko'];

export function makeStartInitramfs(archive: string, kernel: KernelFiles, scenario: Scenario): void {
  packFolder(archive, (root) => {
    for (const folder of ['bin', 'dev', 'proc', 'sys', 'run', 'newroot', 'modules', 'machine']) mkdirSync(join(root, folder));
    copyFileSync(busybox, join(root, 'bin/busybox'));
    copyFileSync(join(guestFolder, 'init'), join(root, 'init'));
    chmodSync(join(root, 'init'), 0o755);
    const modules = readFileSync(join(kernel.modules, 'order'), 'utf8')
      .split('\n')
      .filter((name) => name !== '' && !notNeeded.includes(name));
    for (const name of modules) copyFileSync(join(kernel.modules, name), join(root, 'modules', name));
    writeFileSync(join(root, 'modules/order'), `${modules.join('\n')}\n`);
    fillScenario(join(root, 'machine'), scenario);
  });
}

function fillScenario(folder: string, { systemd, udev, script }: Scenario): void {
  for (const name of readdirSync(guestFolder).filter((entry) => entry !== 'init'))
    copyFileSync(join(guestFolder, name), join(folder, name));
  copyFileSync(join(dirname(import.meta.dirname), 'guest/common.sh'), join(folder, 'common.sh'));
  chmodSync(join(folder, 'runner'), 0o755);
  writeFileSync(join(folder, 'script.sh'), script);
  writeFileSync(join(folder, 'udev'), udev ? 'yes' : 'no');
  writeFileSync(join(folder, 'first-process'), systemd ? '/sbin/init' : '/run/machine/runner');
}
