/**
 * Where an armed target can be seen on the running system: its device node, a mount of its file system, and the folder for dumps below that.
 */
import { type ArmedTarget, isOnNetwork } from '../config/armed-plan.ts';
import { findDevice } from '../linux/find-device.ts';
import { isBelow, joinPath, type Mount, readMounts } from '../linux/mounts.ts';
import type { System } from '../sys/system.ts';

export type TargetPlace = {
  /** The device's node; `undefined`: it is not there. */
  readonly node: string | undefined;
  /** A mount that shows the folder for dumps; one that can be written to before others. */
  readonly mount: Mount | undefined;
  /** The folder for dumps on the running system, whether it exists yet or not. */
  readonly folder: string | undefined;
};

const nowhere: TargetPlace = { node: undefined, mount: undefined, folder: undefined };

export function findTargetPlace(system: Pick<System, 'files'>, target: ArmedTarget): TargetPlace {
  if (target.kind === 'unsupported' || isOnNetwork(target)) return nowhere;
  if (target.kind === 'filesystem' && target.fsType === 'virtiofs') return findShared(system, target.device, target.folder);
  const node = findDevice(system, target.device);
  if (node === undefined || target.kind === 'raw') return { ...nowhere, node };
  const number = numberOf(system, node);
  const inside = joinPath(subvolume(target.options), target.folder);
  const mounts = readMounts(system).filter(
    (mount) => number !== undefined && isBelow(inside, mount.root) && deviceOf(system, mount) === number,
  );
  // The last of several on one point is the one that is seen.
  const visible = mounts.filter((mount, index) => !mounts.slice(index + 1).some(({ mountPoint }) => mountPoint === mount.mountPoint));
  const mount = visible.find(({ options }) => options.includes('rw')) ?? visible[0];
  if (mount === undefined) return { ...nowhere, node };
  const rest = mount.root === '/' ? inside : inside.slice(mount.root.length);
  return { node, mount, folder: joinPath(mount.mountPoint, rest) };
}

/** A virtiofs share has a tag instead of a device. Only newer kernels list the tags (6.9); before, it counts as there. */
function findShared(system: Pick<System, 'files'>, tag: string, folder: string): TargetPlace {
  const listed = system.files.list('/sys/fs/virtiofs').map((name) => system.files.readTextIfThere(`/sys/fs/virtiofs/${name}/tag`)?.trim());
  const node = listed.length === 0 || listed.includes(tag) ? tag : undefined;
  const mount = readMounts(system).find(({ fsType, source, root }) => fsType === 'virtiofs' && source === tag && root === '/');
  return { node, mount, folder: mount === undefined ? undefined : joinPath(mount.mountPoint, folder) };
}

/** btrfs gives each mount a made-up number; its source is the device then. */
function deviceOf(system: Pick<System, 'files'>, mount: Mount): string | undefined {
  if (!mount.device.startsWith('0:')) return mount.device;
  return mount.source.startsWith('/') ? numberOf(system, mount.source) : undefined;
}

/** `major:minor` of a device node. */
function numberOf({ files }: Pick<System, 'files'>, node: string): string | undefined {
  const number = files.status(node)?.ownDevice;
  if (number !== undefined && number !== '') return number;
  return files.readTextIfThere(`/sys/class/block/${node.slice('/dev/'.length).replaceAll('/', '!')}/dev`)?.trim();
}

function subvolume(options: string): string {
  return /(?:^|,)subvol=([^,]+)/.exec(options)?.[1] ?? '/';
}
