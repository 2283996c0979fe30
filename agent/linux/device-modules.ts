/**
 * Which drivers a device needs, from the disk or the network card up to the root of its bus: each parent in `/sys/devices` names its driver, or at least
 * the alias that finds one.
 *
 * @source Documentation/admin-guide/sysfs-rules.rst; Documentation/driver-api/device_link.rst (suppliers: clocks, regulators, PHYs).
 */
import type { System } from '../sys/system.ts';
import { deviceFolder } from './block-device.ts';
import type { ModuleTree } from './module-tree.ts';

export type DeviceDrivers = {
  /** Module names, from the disk to the bus root; not yet in load order, without what they depend on. */
  readonly modules: readonly string[];
  /** Set when the disk is reached over a network, e.g. iSCSI. */
  readonly transport: 'local' | 'network';
};

type Facts = Pick<System, 'files'>;

const maxDevices = 256;

/**
 * @param disk kernel name, e.g. `sda`, `nvme0n1`.
 * @param tree modules of the kernel that shall drive it, maybe another one than runs now.
 */
export function findDeviceDrivers(system: Facts, disk: string, tree: ModuleTree): DeviceDrivers {
  const folder = deviceFolder(system, disk);
  if (folder === undefined) return { modules: [], transport: 'local' };
  const parents = collectParents(system, [folder]);
  const modules = new Set(parents.flatMap((parent) => driversOf(system, parent, tree)));
  const isRemote = parents.some((parent) => /\/session\d+$/.test(parent) || /\/nvme-fabrics\//.test(parent));
  return { modules: [...modules], transport: isRemote ? 'network' : 'local' };
}

/**
 * The same for a network device: also its transceiver, and the function of a card that a virtual function asks.
 *
 * @param name e.g. `eth0`.
 * @returns module names; none for a device made by software.
 */
export function findNetworkDrivers(system: Facts, name: string, tree: ModuleTree): readonly string[] {
  const folder = `/sys/class/net/${name}`;
  const starts = ['device', 'phydev', 'device/physfn'].flatMap((link) => system.files.realPath(`${folder}/${link}`) ?? []);
  return [...new Set(collectParents(system, starts).flatMap((parent) => driversOf(system, parent, tree)))];
}

/** The folders, all above them below `/sys/devices`, and the same for suppliers and for the controllers behind a multipath NVMe disk. */
function collectParents({ files }: Facts, starts: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const waiting = [...starts];
  while (waiting.length > 0 && found.size < maxDevices) {
    const folder = waiting.pop() as string;
    if (!folder.startsWith('/sys/devices/') || found.has(folder)) continue;
    found.add(folder);
    waiting.push(folder.slice(0, folder.lastIndexOf('/')));
    for (const name of files.list(folder)) {
      const link = name.startsWith('supplier:')
        ? `${folder}/${name}/supplier`
        : isController(folder, name)
          ? `${folder}/${name}`
          : undefined;
      const target = link === undefined ? undefined : files.realPath(link);
      if (target !== undefined) waiting.push(target);
    }
  }
  return [...found];
}

function isController(folder: string, name: string): boolean {
  return folder.includes('/virtual/nvme-subsystem/') && /^nvme\d+$/.test(name);
}

/** The driver that is bound now when the wanted kernel has it, else whatever its alias finds there. */
function driversOf({ files }: Facts, folder: string, tree: ModuleTree): readonly string[] {
  const link = files.readLink(`${folder}/driver/module`) ?? files.readLink(`${folder}/driver`);
  const bound = link?.split('/').pop()?.replaceAll('-', '_');
  if (bound !== undefined && (tree.find(bound) !== undefined || tree.isBuiltIn(bound))) return [bound];
  const alias = files.readTextIfThere(`${folder}/modalias`)?.trim();
  return alias === undefined || alias === '' ? [] : tree.byAlias(alias);
}
