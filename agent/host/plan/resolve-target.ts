/**
 * One wished target, resolved against the running system: on which device it lies, below which layers, in which folder, and what the
 * capture kernel needs to get there.
 */
import type { ArmedTarget } from '../../config/armed-plan.ts';
import type { Configuration, TargetWish } from '../../config/configuration.ts';
import { type BlockDevice, deviceByNumber, readBlockDevice } from '../../linux/block-device.ts';
import { type BlockStack, readBlockStack } from '../../linux/block-stack.ts';
import { findBlockDevice, readPartitionUuid } from '../../linux/find-device.ts';
import { findPlace, type Mount, subvolumeOf } from '../../linux/mounts.ts';
import { readSuperblock } from '../../linux/superblock.ts';
import type { System } from '../../sys/system.ts';
import { addLayers } from './layers.ts';
import { createNeeds, type Needs } from './needs.ts';
import { resolveNfs, resolveRemote } from './resolve-remote.ts';

export type ResolvedTarget = { readonly target: ArmedTarget; readonly needs: Needs };

/** What of the configuration says where in a target dumps go, and how to get there. */
export type TargetSettings = Pick<Configuration, 'path' | 'sshKey'>;

export function resolveTarget(system: System, wish: TargetWish, settings: TargetSettings): ResolvedTarget {
  const { path } = settings;
  if (wish.kind === 'root') return resolveRoot(system, path);
  if (wish.kind === 'filesystem') return resolveFileSystem(system, wish, path);
  if (wish.kind === 'raw') return resolveRaw(system, wish.device);
  if (wish.kind === 'virtiofs') return resolveVirtiofs(wish.tag, path);
  return wish.kind === 'nfs' ? resolveNfs(system, wish, settings) : resolveRemote(system, wish, settings);
}

/** The file system that holds `path` now. */
function resolveRoot(system: System, path: string): ResolvedTarget {
  const wish = `path ${path}`;
  const place = findPlace(system, path);
  if (place === undefined) return unsupported(wish, '/proc/self/mountinfo does not tell which file system holds it');
  const { mount, folder } = place;
  const device = deviceOfMount(system, mount);
  if (device === undefined) return unsupported(wish, `it lies on ${mount.fsType} (${mount.source}), which has no block device`);
  const subvolume = subvolumeOf(mount);
  const inside = subvolume === undefined ? folder : belowFolder(folder, subvolume);
  const options = subvolume === undefined ? '' : `subvol=${subvolume}`;
  return armFileSystem(system, { wish, device, fsType: mount.fsType, options, folder: inside });
}

function resolveFileSystem(system: System, wish: Extract<TargetWish, { kind: 'filesystem' }>, path: string): ResolvedTarget {
  const text = `${wish.fsType} ${wish.device}`;
  const options = wish.options ?? '';
  const device = findBlockDevice(system, wish.device);
  if (device !== undefined) return armFileSystem(system, { wish: text, device, fsType: wish.fsType, options, folder: path });
  const needs = createNeeds();
  needs.modules.push(wish.fsType);
  needs.warnings.push(
    `The target "${text}" is not on this machine now: drivers and layers for it cannot be told. Attach it, then build the image again.`,
  );
  return { target: { kind: 'filesystem', wish: text, device: wish.device, fsType: wish.fsType, options, folder: path, layers: [] }, needs };
}

function resolveRaw(system: System, wished: string): ResolvedTarget {
  const wish = `raw ${wished}`;
  const needs = createNeeds();
  const device = findBlockDevice(system, wished);
  if (device === undefined) {
    needs.warnings.push(
      `The target "${wish}" is not on this machine now: drivers and layers for it cannot be told. Attach it, then build the image again.`,
    );
    return { target: { kind: 'raw', wish, device: wished, layers: [] }, needs };
  }
  const found = readSuperblock(system, device.path, device.sizeBytes);
  if (found !== undefined) needs.warnings.push(`The raw target "${wished}" holds ${found.fsType} now: a dump will overwrite it.`);
  const layers = addLayers(system, stackBelow(system, device, needs), needs);
  return { target: { kind: 'raw', wish, device: stableName(system, device, wished, needs), layers }, needs };
}

function resolveVirtiofs(tag: string, path: string): ResolvedTarget {
  const needs = createNeeds();
  needs.modules.push('virtiofs', 'virtio_pci');
  return {
    target: { kind: 'filesystem', wish: `virtiofs ${tag}`, device: tag, fsType: 'virtiofs', options: '', folder: path, layers: [] },
    needs,
  };
}

type FileSystem = {
  readonly wish: string;
  readonly device: BlockDevice;
  readonly fsType: string;
  readonly options: string;
  readonly folder: string;
};

function armFileSystem(system: System, { wish, device, fsType: wished, options, folder }: FileSystem): ResolvedTarget {
  const needs = createNeeds();
  const found = readSuperblock(system, device.path, device.sizeBytes);
  const fsType = found?.fsType ?? wished;
  if (found !== undefined && fsType !== wished && wished !== 'auto') {
    needs.warnings.push(`The target "${wish}" holds ${fsType}, not ${wished}: it is mounted as ${fsType}.`);
  }
  needs.modules.push(fsType);
  const layers = addLayers(system, stackBelow(system, device, needs), needs);
  // A snapshot has the UUID of the volume it was taken from.
  const byPath = layers.at(-1)?.kind === 'lvm';
  const name = found?.uuid === undefined || byPath ? stableName(system, device, device.path, needs) : `UUID=${found.uuid}`;
  return { target: { kind: 'filesystem', wish, device: name, fsType, options, folder, layers }, needs };
}

function stackBelow(system: System, device: BlockDevice, needs: Needs): BlockStack {
  const stack = readBlockStack(system, device.name);
  needs.disks.push(...stack.disks);
  needs.warnings.push(
    ...stack.problems.map((problem) => `The target on ${device.path} may be out of reach in the capture kernel: ${problem}.`),
  );
  return stack;
}

/** A name that leads to the same device after a reboot, without looking at its content. */
function stableName(system: System, device: BlockDevice, wished: string, needs: Needs): string {
  if (device.mapper !== undefined) return `/dev/mapper/${device.mapper.name}`;
  const uuid = readPartitionUuid(system, device);
  if (uuid !== undefined) return `PARTUUID=${uuid}`;
  if (!/^[A-Z]+=/.test(wished))
    needs.warnings.push(`The target ${wished} has neither a UUID nor a partition: another disk may have its name in the capture kernel.`);
  return wished;
}

/** By the number of the mount; where that is made up (btrfs), by the node that was mounted. */
function deviceOfMount(system: System, { device, source }: Mount): BlockDevice | undefined {
  const name = deviceByNumber(system, device);
  return name === undefined ? findBlockDevice(system, source) : readBlockDevice(system, name);
}

function belowFolder(folder: string, top: string): string {
  if (folder === top) return '/';
  return folder.startsWith(`${top}/`) ? folder.slice(top.length) : folder;
}

function unsupported(wish: string, why: string): ResolvedTarget {
  const needs = createNeeds();
  needs.warnings.push(`The target "${wish}" cannot be used: ${why}.`);
  return { target: { kind: 'unsupported', wish, why }, needs };
}
