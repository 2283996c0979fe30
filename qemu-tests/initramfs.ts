/**
 * The small initramfs both kernels of a guest boot: busybox, the guest scripts, kernel modules and a few programs with their libraries.
 *
 * The executable under test is not unpacked into memory: it travels as one squashfs file that the capture kernel loop-mounts.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { cached, fingerprint, removeOld } from './cache.ts';
import { command, tryCommand } from './command.ts';
import type { KernelFiles } from './kernel-files.ts';

const guestFolder = join(import.meta.dirname, 'guest');
const guestFiles = ['init', 'crash.sh', 'capture.sh', 'common.sh', 'workload.ts', 'poison.ts'].map((name) => join(guestFolder, name));
const busybox = '/bin/busybox';
/** Programs of the host both kernels get; liblzo2 is not linked to any, the executable opens it when `-l` is asked for. */
const hostPrograms = ['/usr/sbin/kexec'];
const hostLibraries = ['/usr/lib/x86_64-linux-gnu/liblzo2.so.2'];

/** A cpio archive every guest of this kernel starts from. */
export function baseInitramfs(kernel: KernelFiles, executable: string): string {
  const key = fingerprint([busybox, ...guestFiles, ...hostPrograms, ...hostLibraries], [kernel.release, kernel.imagePackage.version]);
  return cached(`images/base-${kernel.release}-${key}.cpio`, (archive) =>
    packFolder(archive, (root) => {
      for (const folder of ['bin', 'dev', 'proc', 'sys', 'tmp', 'run', 'mnt', 'exe', 'disk', 'boot', 'modules'])
        mkdirSync(join(root, folder));
      copyFileSync(busybox, join(root, 'bin/busybox'));
      for (const file of guestFiles) copyFileSync(file, join(root, basename(file)));
      chmodSync(join(root, 'init'), 0o755);
      cpSync(kernel.modules, join(root, 'modules'), { recursive: true });
      for (const program of hostPrograms) copyInto(root, program);
      for (const library of new Set([...hostLibraries, ...[...hostPrograms, executable].flatMap(linkedLibraries)])) copyInto(root, library);
    }),
  );
}

/** Every build makes another image; this many are kept. */
const keptImages = 4;
/** 48 MB after four seconds; level 3 with blocks of 64 KiB gives 56 MB after one. */
const packing = ['-comp', 'zstd', '-Xcompression-level', '15', '-b', '256K'];

/** A squashfs with the executable under the name `kcapture`. */
export function executableSquashfs(executable: string): string {
  return cached(`images/executable-${fingerprint([executable], packing)}.squashfs`, (image) => {
    removeOld('images/executable-*.squashfs', keptImages - 1);
    const folder = mkdtempSync(join(tmpdir(), 'kcapture-squashfs-'));
    try {
      copyFileSync(executable, join(folder, 'kcapture'));
      chmodSync(join(folder, 'kcapture'), 0o755);
      command(['mksquashfs', folder, image, ...packing, '-all-root', '-quiet', '-no-progress']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** A cpio archive that holds one file: appended to another archive, it adds that file. */
export function singleFileCpio(archive: string, name: string, content: string | { readonly copyOf: string }): void {
  packFolder(archive, (root) => {
    if (typeof content === 'string') writeFileSync(join(root, name), content);
    else copyFileSync(content.copyOf, join(root, name));
  });
}

/** An archive of a folder that `fill` fills. */
export function packFolder(archive: string, fill: (root: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-initramfs-'));
  try {
    fill(root);
    const names = command(['find', '.', '-mindepth', '1'], { cwd: root });
    const argv = ['cpio', '--quiet', '-o', '-H', 'newc', '-R', '0:0', '--reproducible', '-F', archive];
    command(argv, { cwd: root, input: names.split('\n').sort().join('\n').trimStart().concat('\n') });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** The shared libraries a program is linked to, as absolute paths, the dynamic loader included; none for a static one. */
function linkedLibraries(program: string): readonly string[] {
  const listing = tryCommand(['ldd', program]);
  if (listing.status !== 0) return [];
  return [...listing.stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]);
}

function copyInto(root: string, path: string): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(realpathSync(path), target);
}
