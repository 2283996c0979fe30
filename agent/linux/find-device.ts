/**
 * The device a person named: `UUID=…`, `LABEL=…`, `PARTUUID=…`, `PARTLABEL=…` or a path, as the node to open now.
 *
 * Links of udev in `/dev/disk` are asked first; where there is no udev, the superblocks of all block devices are read.
 */
import type { System } from '../sys/system.ts';
import { type BlockDevice, deviceByNumber, listBlockDevices, readBlockDevice } from './block-device.ts';
import { partitionUuid } from './partition-uuid.ts';
import { readSuperblock } from './superblock.ts';

type Facts = Pick<System, 'files'>;
type Matcher = (device: BlockDevice) => boolean;

const tag = /^(UUID|LABEL|PARTUUID|PARTLABEL)=(.+)$/;
/** Reading them takes seconds, needs a medium, or cannot lead to a disk. */
const uninteresting = /^(fd|sr|ram|zram)\d/;

/** The node of the device, e.g. `/dev/sda1`; `undefined` while it is not there. Costs a few KiB of reading a device. */
export function findDevice(system: Facts, device: string): string | undefined {
  const [, kind, quoted] = tag.exec(device) ?? [];
  if (kind === undefined) return findPath(system, device);
  const value = quoted.replace(/^(["'])(.*)\1$/, '$2');
  return findLink(system, kind, value) ?? search(system, kind, value);
}

/** The same with what the kernel knows about it; `undefined` also for a node the kernel has no block device for. */
export function findBlockDevice(system: Facts, device: string): BlockDevice | undefined {
  const path = findDevice(system, device) ?? (device.startsWith('/') ? device : undefined);
  if (path === undefined) return undefined;
  const number = system.files.status(path)?.ownDevice ?? '';
  const name = deviceByNumber(system, number) ?? nodeName(system.files.realPath(path));
  return name === undefined ? undefined : readBlockDevice(system, name);
}

/** `/dev/cciss/c0d0` → `cciss!c0d0`, as sysfs writes it. */
function nodeName(path: string | undefined): string | undefined {
  return path?.startsWith('/dev/') ? path.slice('/dev/'.length).replaceAll('/', '!') : undefined;
}

function findPath(system: Facts, path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  if (system.files.status(path)?.kind === 'block') return path;
  const name = mapperName(path);
  return name === undefined ? undefined : listBlockDevices(system).find(({ mapper }) => mapper?.name === name)?.path;
}

/** `/dev/mapper/NAME`, and `/dev/GROUP/VOLUME`, for which device-mapper doubles the hyphens. */
function mapperName(path: string): string | undefined {
  const [, first, second] = /^\/dev\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  if (second === undefined) return undefined;
  return first === 'mapper' ? second : `${first.replaceAll('-', '--')}-${second.replaceAll('-', '--')}`;
}

function findLink({ files }: Facts, kind: string, value: string): string | undefined {
  const path = `/dev/disk/by-${kind.toLowerCase()}/${encodeLink(value)}`;
  if (files.status(path)?.kind !== 'block') return undefined;
  return files.realPath(path);
}

/** As udev names links: bytes that are not plain become `\x20`. */
function encodeLink(value: string): string {
  return Array.from(value, (character) =>
    /^[0-9A-Za-z#+\-.:=@_\u0080-\u{10ffff}]$/u.test(character) ? character : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  ).join('');
}

/** A device that carries another (a RAID member, a disk with partitions) is only taken when no other matches. */
function search(system: Facts, kind: string, value: string): string | undefined {
  const matches = matcher(system, kind, value);
  const found = listBlockDevices(system).filter((device) => !uninteresting.test(device.name) && matches(device));
  return (found.find(({ isHeld, hasPartitions }) => !isHeld && !hasPartitions) ?? found[0])?.path;
}

function matcher(system: Facts, kind: string, value: string): Matcher {
  const wanted = value.toLowerCase();
  const superblock = (device: BlockDevice) => readSuperblock(system, device.path, device.sizeBytes);
  if (kind === 'UUID') return (device) => superblock(device)?.uuid?.toLowerCase() === wanted;
  if (kind === 'LABEL') return (device) => superblock(device)?.label === value;
  if (kind === 'PARTLABEL') return (device) => partitionName(system, device) === value;
  return (device) => readPartitionUuid(system, device) === wanted;
}

/** PARTUUID of a partition, lower case. */
export function readPartitionUuid({ files }: Facts, { partition }: BlockDevice): string | undefined {
  if (partition === undefined) return undefined;
  const disk = `/dev/${partition.disk.replaceAll('!', '/')}`;
  try {
    return partitionUuid((offset, length) => files.readAt(disk, offset, length), partition.number);
  } catch {
    return undefined;
  }
}

/** The name a GPT gives a partition, as the kernel read it. */
function partitionName({ files }: Facts, { name }: BlockDevice): string | undefined {
  return /^PARTNAME=(.*)$/m.exec(files.readTextIfThere(`/sys/class/block/${name}/uevent`) ?? '')?.[1];
}
