/**
 * The disk a machine boots from: ext4 with the Debian tree, a kernel with all its modules, and kcapture.
 *
 * The part without kcapture is made once; each machine gets a sparse copy of it and the executable of the day. The squashfs that `kcapture image`
 * would make in the guest, where it takes minutes, is put in as if it had.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { payloadPath } from '../../agent/host/paths.ts';
import { cached, fingerprint, removeOld } from '../cache.ts';
import { command } from '../command.ts';
import type { KernelFiles } from '../kernel-files.ts';
import { debianTree } from './debian-tree.ts';
import { executablePayload } from './payload.ts';

/** Of the root file system. */
export const rootUuid = '6d616368-696e-4500-8000-726f6f740000';
const sizeMiB = 4096;
const fstab = `UUID=${rootUuid} / ext4 errors=remount-ro 0 1\n`;

/** Makes a machine's root disk. @param path A file that does not exist yet. */
export function makeRootDisk(path: string, kernel: KernelFiles, executable: string): void {
  command(['cp', '--sparse=always', systemDisk(kernel), path]);
  const hash = createHash('sha256').update(readFileSync(executable)).digest('hex');
  const payload = payloadPath(hash);
  const requests = [
    `write ${executable} /usr/bin/kcapture`,
    'set_inode_field /usr/bin/kcapture mode 0100755',
    'mkdir /var/lib/kcapture',
    'set_inode_field /var/lib/kcapture mode 040700',
    `write ${executablePayload(executable)} ${payload}`,
    `set_inode_field ${payload} mode 0100600`,
  ];
  const answer = command(['debugfs', '-w', '-f', '-', path], {
    input: `${requests.join('\n')}\nstat /usr/bin/kcapture\nstat ${payload}\n`,
  });
  const sizes = [...answer.matchAll(/Project:.* Size: (\d+)/g)].map((match) => Number(match[1]));
  if (sizes.length !== 2 || sizes.includes(0)) throw new Error(`Cannot put kcapture into ${path}: debugfs answered\n${answer}`);
}

/** The disk before kcapture comes; made on first use. */
export function systemDisk(kernel: KernelFiles): string {
  const tree = debianTree();
  const key = fingerprint([], [tree, kernel.release, kernel.imagePackage.version, `${sizeMiB}`, fstab]);
  return cached(`machine/system-${kernel.release}-${key}.ext4`, (image) => {
    removeOld(`machine/system-${kernel.release}-*.ext4`, 1);
    const stage = `${image}.stage`;
    rmSync(stage, { recursive: true, force: true });
    // Hard links: nothing below the stage is written to, only added.
    command(['cp', '-al', tree, stage]);
    addKernel(stage, kernel);
    rmSync(join(stage, 'etc/fstab'), { force: true });
    writeFileSync(join(stage, 'etc/fstab'), fstab);
    command(['truncate', '-s', `${sizeMiB}M`, image]);
    const options = 'lazy_itable_init=1,lazy_journal_init=1,nodiscard';
    command(['mke2fs', '-q', '-t', 'ext4', '-U', rootUuid, '-L', 'machine-root', '-E', options, '-d', stage, image]);
    rmSync(stage, { recursive: true });
  });
}

function addKernel(stage: string, { release, image, config, moduleTree }: KernelFiles): void {
  mkdirSync(join(stage, 'usr/lib/modules'), { recursive: true });
  // A stored package may keep links to its own build folder; they lead nowhere and stay so.
  command(['cp', '-al', moduleTree, join(stage, 'usr/lib/modules', basename(moduleTree))]);
  copyFileSync(image, join(stage, 'boot', `vmlinuz-${release}`));
  if (config !== undefined) copyFileSync(config, join(stage, 'boot', `config-${release}`));
  symlinkSync(`boot/vmlinuz-${release}`, join(stage, 'vmlinuz'));
}
