/**
 * The block devices the kernel knows, from `/sys/class/block`: sizes, partitions, device-mapper names, what stands on what.
 *
 * @source Documentation/ABI/stable/sysfs-block, Documentation/ABI/testing/sysfs-block-dm.
 */
import type { System } from '../sys/system.ts';

export type BlockDevice = {
  /** As in `/sys/class/block`: `sda1`, `dm-0`. */
  readonly name: string;
  /** Its node: `/dev/sda1`, `/dev/mapper/vg-root`, or `/dev/dm-0` where no udev made the former. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Partition number and the disk it is on. */
  readonly partition: { readonly disk: string; readonly number: number } | undefined;
  /** Device-mapper's name and UUID (`LVM-…`, `CRYPT-LUKS2-…`). */
  readonly mapper: { readonly name: string; readonly uuid: string } | undefined;
  /** Something stands on it: it is a RAID member, an LVM volume's disk, an opened LUKS container. */
  readonly isHeld: boolean;
  readonly hasPartitions: boolean;
};

type Facts = Pick<System, 'files'>;

const classFolder = '/sys/class/block';
const sectorBytes = 512;

/** All block devices that have a size, in the kernel's order of names. */
export function listBlockDevices(system: Facts): readonly BlockDevice[] {
  return system.files
    .list(classFolder)
    .map((name) => readBlockDevice(system, name))
    .filter((device) => device !== undefined && device.sizeBytes > 0) as readonly BlockDevice[];
}

/** One device by its kernel name; `undefined` when there is none. */
export function readBlockDevice(system: Facts, name: string): BlockDevice | undefined {
  const folder = `${classFolder}/${name}`;
  const size = readNumber(system, `${folder}/size`);
  if (size === undefined) return undefined;
  const mapper = readMapper(system, folder);
  return {
    name,
    path: nodePath(system, name, mapper?.name),
    sizeBytes: size * sectorBytes,
    partition: readPartition(system, folder),
    mapper,
    isHeld: system.files.list(`${folder}/holders`).length > 0,
    hasPartitions: system.files.list(folder).some((entry) => entry.startsWith(name) && system.files.status(`${folder}/${entry}/partition`)),
  };
}

/** `8:1` → the device's kernel name. */
export function deviceByNumber({ files }: Facts, number: string): string | undefined {
  if (!/^\d+:\d+$/.test(number)) return undefined;
  return files.realPath(`/sys/dev/block/${number}`)?.split('/').pop();
}

/** Folder of a device in the tree of buses: `/sys/devices/pci0000:00/…/block/sda/sda1`. */
export function deviceFolder({ files }: Facts, name: string): string | undefined {
  return files.realPath(`${classFolder}/${name}`);
}

/** A sysfs file that holds one number. */
export function readNumber({ files }: Facts, path: string): number | undefined {
  const text = files.readTextIfThere(path)?.trim();
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function readMapper({ files }: Facts, folder: string): BlockDevice['mapper'] {
  const name = files.readTextIfThere(`${folder}/dm/name`)?.trim();
  if (name === undefined || name === '') return undefined;
  return { name, uuid: files.readTextIfThere(`${folder}/dm/uuid`)?.trim() ?? '' };
}

function readPartition(system: Facts, folder: string): BlockDevice['partition'] {
  const number = readNumber(system, `${folder}/partition`);
  const parts = number === undefined ? undefined : system.files.realPath(folder)?.split('/');
  const disk = parts?.at(-2);
  return number === undefined || disk === undefined ? undefined : { disk, number };
}

/** Sysfs writes `!` for the `/` in names such as `cciss/c0d0`. */
function nodePath({ files }: Facts, name: string, mapperName: string | undefined): string {
  const mapperPath = `/dev/mapper/${mapperName}`;
  if (mapperName !== undefined && files.status(mapperPath)?.kind === 'block') return mapperPath;
  return `/dev/${name.replaceAll('!', '/')}`;
}
