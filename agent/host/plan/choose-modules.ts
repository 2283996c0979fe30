/**
 * The kernel modules a capture loads, in their order, for one kernel release: drivers from the targets' disks and network cards up to their bus, layers, file
 * systems, and what these ask for by name while they run, when there is no modprobe to answer.
 */
import { findDeviceDrivers, findNetworkDrivers } from '../../linux/device-modules.ts';
import type { KernelModule, ModuleTree } from '../../linux/module-tree.ts';
import type { System } from '../../sys/system.ts';
import type { Needs } from './needs.ts';

export type ChosenModules = {
  readonly modules: readonly KernelModule[];
  /** Those without which the executable cannot be mounted. */
  readonly early: readonly KernelModule[];
  readonly warnings: readonly string[];
};

/** What a file system asks the kernel for at run time. @source request_module(), crypto_alloc_shash(), load_nls() in fs/ */
const askedFor: Readonly<Record<string, readonly string[]>> = {
  ext2: ['crypto-crc32c'],
  ext3: ['crypto-crc32c'],
  ext4: ['crypto-crc32c'],
  xfs: ['crypto-crc32c'],
  btrfs: ['crypto-crc32c', 'crypto-xxhash64', 'crypto-sha256', 'crypto-blake2b-256'],
  f2fs: ['crypto-crc32'],
  vfat: ['nls_cp437', 'nls_ascii', 'nls_iso8859_1', 'nls_utf8'],
};

export function chooseModules(system: System, tree: ModuleTree, needs: readonly Needs[], extra: readonly string[]): ChosenModules {
  const warnings: string[] = [];
  const drivers = [...new Set(needs.flatMap(({ disks }) => disks))].flatMap((disk) => {
    const found = findDeviceDrivers(system, disk, tree);
    if (found.transport === 'network')
      warnings.push(`The disk ${disk} is reached over a network, which is not brought up in the capture kernel.`);
    return found.modules;
  });
  const cards = [...new Set(needs.flatMap(({ networkDevices }) => networkDevices))];
  const networkDrivers = cards.flatMap((name) => findNetworkDrivers(system, name, tree));
  const wanted = needs.flatMap(({ modules }) => modules);
  const optional = [
    ...wanted.flatMap((name) => askedFor[name] ?? []),
    ...needs.flatMap((row) => row.optionalModules),
    ...watchdogs(system),
    // Breadcrumbs survive the reboot as a variable of the firmware.
    ...(system.files.status('/sys/firmware/efi') === undefined ? [] : ['efivarfs']),
  ];
  const early = tree.order(['loop', 'squashfs']);
  const all = tree.order([...drivers, ...networkDrivers, ...wanted.map((name) => fileSystemName(tree, name)), ...extra], optional);
  for (const name of all.missing) warnings.push(`The kernel ${tree.release} has no module "${name}", neither as a file nor built in.`);
  if (early.missing.length > 0)
    warnings.push(`The kernel ${tree.release} lacks ${early.missing.join(' and ')}: the executable cannot be mounted from its squashfs.`);
  const isEarly = new Set(early.modules.map(({ name }) => name));
  return { modules: all.modules.filter(({ name }) => !isEarly.has(name)), early: early.modules, warnings };
}

/** One driver may serve several types: `ext3` is found as `fs-ext3`. */
function fileSystemName(tree: ModuleTree, name: string): string {
  return tree.find(name) !== undefined || tree.isBuiltIn(name) || tree.byAlias(`fs-${name}`).length === 0 ? name : `fs-${name}`;
}

/** A watchdog that runs when the kernel crashes goes on running: somebody must feed it. */
function watchdogs({ files }: System): readonly string[] {
  return files.list('/sys/class/watchdog').flatMap((name) => {
    const link = files.readLink(`/sys/class/watchdog/${name}/device/driver/module`);
    return link === undefined ? [] : [link.split('/').pop() as string];
  });
}
