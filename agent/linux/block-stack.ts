/**
 * What stands below a block device: layers to be opened, disks at the bottom, and what in between cannot be had in a capture kernel.
 *
 * @source Documentation/ABI/testing/sysfs-block-dm; drivers/md/dm-uevent.c; lib/device-mapper naming of LVM2 and cryptsetup.
 */
import { type BlockDevice, readBlockDevice } from './block-device.ts';
import type { System } from '../sys/system.ts';
import { readSuperblock } from './superblock.ts';

export type StackLayer =
  | { readonly kind: 'luks'; readonly uuid: string; readonly name: string /** The encrypted device. */; readonly path: string }
  | { readonly kind: 'lvm'; readonly volumeGroup: string; readonly logicalVolume: string; readonly name: string }
  | { readonly kind: 'md'; readonly uuid: string; readonly level: string };

export type BlockStack = {
  /** Bottom first: the order in which they are opened. */
  readonly layers: readonly StackLayer[];
  /** Kernel names of the disks (or partitions without a disk of their own), e.g. `sda`. */
  readonly disks: readonly string[];
  /** What of it a capture kernel cannot open, in words. */
  readonly problems: readonly string[];
};

type Facts = Pick<System, 'files'>;
/** Far above any real stack; ends a loop that a broken sysfs would make. */
const maxDepth = 16;

/** @param name kernel name of the device at the top, e.g. `dm-3`. */
export function readBlockStack(system: Facts, name: string): BlockStack {
  const layers: StackLayer[] = [];
  const disks: string[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();

  function descend(current: string, depth: number): void {
    if (seen.has(current) || depth > maxDepth) return;
    seen.add(current);
    const device = readBlockDevice(system, current);
    if (device === undefined) {
      problems.push(`the device ${current} is not there`);
      return;
    }
    const below = system.files.list(`/sys/class/block/${current}/slaves`);
    if (device.partition !== undefined) descend(device.partition.disk, depth + 1);
    else for (const slave of below) descend(slave, depth + 1);
    if (device.mapper !== undefined) return addMapper(device, below);
    if (system.files.status(`/sys/class/block/${current}/md`) !== undefined) return addArray(current, below);
    if (device.partition === undefined) addDisk(current, below);
  }

  function addMapper({ name: device, mapper }: BlockDevice, below: readonly string[]): void {
    const { name: mapped, uuid } = mapper as { name: string; uuid: string };
    if (uuid.startsWith('LVM-')) {
      const [volumeGroup, logicalVolume] = splitVolumeName(mapped);
      layers.push({ kind: 'lvm', volumeGroup, logicalVolume, name: mapped });
    } else if (/^CRYPT-LUKS[12]-/.test(uuid)) addLuks(mapped, uuid, below[0]);
    else if (uuid.startsWith('CRYPT-')) problems.push(`${mapped} is encrypted without a LUKS header`);
    else if (uuid.startsWith('mpath-')) problems.push(`${mapped} is a multipath device: in the capture kernel one of its paths is used`);
    else problems.push(`${mapped} (${device}) is a device-mapper device of an unknown kind`);
  }

  /** The mapping's own UUID holds the one of the LUKS header, without hyphens. */
  function addLuks(mapped: string, uuid: string, below: string | undefined): void {
    const device = below === undefined ? undefined : readBlockDevice(system, below);
    const [, ...groups] = /^CRYPT-LUKS[12]-(.{8})(.{4})(.{4})(.{4})(.{12})-/.exec(uuid) ?? [];
    if (device === undefined || groups.length === 0) problems.push(`the encrypted device below ${mapped} cannot be told`);
    else layers.push({ kind: 'luks', uuid: groups.join('-'), name: mapped, path: device.path });
  }

  function addArray(current: string, below: readonly string[]): void {
    const level = system.files.readTextIfThere(`/sys/class/block/${current}/md/level`)?.trim() ?? '';
    const uuid = below.map((member) => memberUuid(system, member)).find((found) => found !== undefined);
    if (uuid === undefined) problems.push(`the RAID superblock of ${current} cannot be read`);
    else layers.push({ kind: 'md', uuid, level });
  }

  function addDisk(current: string, below: readonly string[]): void {
    if (current.startsWith('loop')) problems.push(`${current} is a file on another file system`);
    else if (/^(ram|zram)/.test(current)) problems.push(`${current} is in memory and does not survive a crash`);
    else if (/^(nbd|rbd|drbd)/.test(current)) problems.push(`${current} is reached over the network`);
    if (below.length === 0) disks.push(current);
  }

  descend(name, 0);
  return { layers, disks, problems };
}

function memberUuid(system: Facts, name: string): string | undefined {
  const device = readBlockDevice(system, name);
  const found = device === undefined ? undefined : readSuperblock(system, device.path, device.sizeBytes);
  return found?.fsType === 'linux_raid_member' ? found.uuid : undefined;
}

/** `vg--one-root` → `vg-one`, `root`: a hyphen inside a name is doubled. */
export function splitVolumeName(mapped: string): readonly [volumeGroup: string, logicalVolume: string] {
  const [, group, volume] = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/.exec(mapped) ?? [];
  if (volume === undefined) return ['', mapped];
  return [group.replaceAll('--', '-'), volume.replaceAll('--', '-')];
}
