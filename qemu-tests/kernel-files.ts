/**
 * The files of one Debian kernel: its image and the modules a guest needs, in the order in which they load.
 */
import { copyFileSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve as resolvePath } from 'node:path';
import { cached } from './cache.ts';
import { command } from './command.ts';
import type { Kernel } from './kernels.ts';
import { type Package, resolve, unpacked } from './packages.ts';

export type KernelFiles = {
  /** What `uname -r` says in the guest. */
  readonly release: string;
  readonly image: string;
  /** A folder of plain `.ko` files and a file `order`, one module's file name a line. */
  readonly modules: string;
  /** The package's whole folder of modules, `lib/modules/RELEASE`, with `depmod`'s lists. */
  readonly moduleTree: string;
  /** What the kernel was built with. */
  readonly config: string | undefined;
  /** The package the image came out of; the debug package has the same version. */
  readonly imagePackage: Package;
};

const wantedModules = ['virtio_pci', 'virtio_blk', 'virtio_console', 'virtio_balloon', 'ext4', 'squashfs', 'loop'];
const decompressors: Readonly<Record<string, readonly string[]>> = {
  '.xz': ['xz', '-d', '-f'],
  '.zst': ['zstd', '-d', '-q', '-f', '--rm'],
};

/** The kernel's files, downloaded and unpacked on first use. */
export function kernelFiles(kernel: Kernel): KernelFiles {
  const plan = resolve(kernel.suite, 'linux-image-cloud-amd64').filter(({ name }) => /^linux-(image|binary|modules|base)-\d/.test(name));
  const imagePackage = plan.find(({ name }) => name.startsWith('linux-image-'));
  if (imagePackage === undefined) throw new Error(`Cannot find the cloud kernel of ${kernel.suite}: apt named ${plan.length} packages`);
  const folders = plan.map((row) => unpacked(kernel.suite, row));
  const find = (pattern: string) => folders.flatMap((folder) => globSync(join(folder, pattern)));
  // Newer packages keep the image beside the modules, and its lists in a package of their own.
  const image = [...find('boot/vmlinuz-*'), ...find('usr/lib/modules/*/vmlinuz')][0];
  const moduleFolder = find('lib/modules/*/kernel/fs')[0];
  const builtin = find('lib/modules/*/modules.builtin')[0];
  if (image === undefined || moduleFolder === undefined || builtin === undefined) {
    throw new Error(
      `Cannot find the files of ${imagePackage.name}: image ${image}, modules ${moduleFolder}, list of built-in modules ${builtin}`,
    );
  }
  const release = basename(resolvePath(moduleFolder, '../..'));
  const modules = cached(`modules/${release}-${imagePackage.version}`, (folder) =>
    extractModules(resolvePath(moduleFolder, '../../../../..'), release, readFileSync(builtin, 'utf8'), folder),
  );
  const config = [...find('boot/config-*'), ...find('usr/lib/modules/*/config')][0];
  return { release, image, modules, moduleTree: resolvePath(moduleFolder, '../..'), config, imagePackage };
}

function extractModules(root: string, release: string, builtin: string, target: string): void {
  mkdirSync(target);
  command(['depmod', '-b', root, release]);
  const folder = join(root, 'lib/modules', release);
  const files = loadOrder(readFileSync(join(folder, 'modules.dep'), 'utf8'), builtin);
  const names = files.map((file) => {
    const copy = join(target, basename(file));
    copyFileSync(join(folder, file), copy);
    const suffix = /\.(xz|zst)$/.exec(copy)?.[0];
    if (suffix !== undefined) command([...decompressors[suffix], copy]);
    return basename(copy).replace(/\.(xz|zst)$/, '');
  });
  writeFileSync(join(target, 'order'), `${names.join('\n')}\n`);
}

/** The wanted modules and what they need, dependencies first, as paths of `modules.dep`. */
function loadOrder(dependencies: string, builtin: string): readonly string[] {
  const moduleName = (path: string) =>
    basename(path)
      .replace(/\.ko.*/, '')
      .replaceAll('-', '_');
  const needs = new Map<string, readonly string[]>();
  const paths = new Map<string, string>();
  for (const line of dependencies.split('\n').filter((text) => text.includes(':'))) {
    const [path, rest] = line.split(':');
    needs.set(
      path,
      rest.split(' ').filter((word) => word !== ''),
    );
    paths.set(moduleName(path), path);
  }
  const builtIn = new Set(builtin.split('\n').map(moduleName));
  const order: string[] = [];
  for (const name of wantedModules.filter((word) => !builtIn.has(word))) {
    const path = paths.get(name);
    if (path === undefined) throw new Error(`Cannot find module ${name}: it is neither in modules.dep nor built in`);
    // depmod lists all dependencies, indirect ones too, the deepest last.
    for (const file of [...(needs.get(path) ?? [])].reverse().concat(path)) if (!order.includes(file)) order.push(file);
  }
  return order;
}
