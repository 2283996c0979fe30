/**
 * How one target of the plan stands now: is its device there, what is on it, can it be written to, how much room has it?
 *
 * Nothing is mounted or written: `kcapture test` does that.
 */
import { type ArmedPlan, type ArmedTarget, isOnNetwork } from '../../config/armed-plan.ts';
import { readSuperblock } from '../../linux/superblock.ts';
import type { System } from '../../sys/system.ts';
import type { Space } from '../../sys/files-interface.ts';
import { type NetworkFacts, networkProblems, readNetworkFacts } from './network-target-facts.ts';
import { findTargetPlace, type TargetPlace } from '../target-place.ts';

/** A reason why a target may not or will not do. */
export type TargetProblem = {
  /** True: nothing can be saved there. False: it may work, but someone should look. */
  readonly fatal: boolean;
  readonly text: string;
  readonly hint: string;
};

export type TargetFacts = {
  /** As in the configuration. */
  readonly wish: string;
  readonly kind: ArmedTarget['kind'];
  readonly node: string | undefined;
  /** The folder for dumps as it is seen now; `undefined`: not mounted, or no file system. */
  readonly folder: string | undefined;
  /** Of the file system; a raw device has its own size free. `undefined`: not known without mounting. */
  readonly space: Space | undefined;
  /** Of a target on the network. */
  readonly network: NetworkFacts | undefined;
  readonly problems: readonly TargetProblem[];
};

export type TargetContext = {
  readonly sshKey: string | undefined;
  /** The plan in the image, which may be older than the target. */
  readonly armed: ArmedPlan | undefined;
};

export function readTargetFacts(system: System, target: ArmedTarget, context: TargetContext): TargetFacts {
  const place = findTargetPlace(system, target);
  const { node, folder } = place;
  return {
    wish: target.wish,
    kind: target.kind,
    node,
    folder,
    space: readSpace(system, target, place),
    network: isOnNetwork(target) ? readNetworkFacts(system, target) : undefined,
    problems: [
      ...(isOnNetwork(target) ? networkProblems(system, target, context) : []),
      ...deviceProblems(system, target, node),
      ...layerProblems(target),
      ...mountProblems(system, place),
    ],
  };
}

function deviceProblems(system: System, target: ArmedTarget, node: string | undefined): readonly TargetProblem[] {
  if (target.kind === 'unsupported') return [{ fatal: true, text: target.why, hint: 'Name another target in /etc/kcapture.conf' }];
  if (isOnNetwork(target)) return [];
  if (node === undefined) {
    const hint = 'See which devices there are: lsblk -o NAME,FSTYPE,UUID,MOUNTPOINTS';
    return [{ fatal: true, text: `the device ${target.device} is not there`, hint }];
  }
  if (isReadOnlyDevice(system, node))
    return [{ fatal: true, text: `${node} is read-only`, hint: `See why: blockdev --getro ${node}; dmesg` }];
  return target.kind === 'filesystem' && target.fsType !== 'virtiofs' ? contentProblems(system, target.fsType, node) : [];
}

function isReadOnlyDevice({ files }: System, node: string): boolean {
  if (!node.startsWith('/dev/')) return false;
  const name = (files.realPath(node) ?? node).slice('/dev/'.length).replaceAll('/', '!');
  return files.readTextIfThere(`/sys/class/block/${name}/ro`)?.trim() === '1';
}

/** What the superblock says; only root may read it. ext2, ext3 and ext4 are one family that each other's driver mounts. */
function contentProblems(system: System, fsType: string, node: string): readonly TargetProblem[] {
  const found = readSuperblock(system, node)?.fsType;
  const family = (type: string) => type.replace(/^ext[234]$/, 'ext');
  if (found === undefined || family(found) === family(fsType)) return [];
  const hint = 'Correct the target in /etc/kcapture.conf, then: kcapture load --rebuild';
  return [{ fatal: true, text: `${node} holds ${found}, not ${fsType}`, hint }];
}

function layerProblems(target: ArmedTarget): readonly TargetProblem[] {
  if (!('layers' in target)) return [];
  return target.layers.flatMap((layer) => {
    if (layer.kind !== 'luks' || layer.keyFile !== undefined) return [];
    const hint = 'Give the volume a key file in /etc/crypttab, or name an unencrypted target in /etc/kcapture.conf';
    return [{ fatal: true, text: `the encrypted volume ${layer.name} has no key file: nobody types a passphrase after a crash`, hint }];
  });
}

function mountProblems({ files }: System, { mount, folder }: TargetPlace): readonly TargetProblem[] {
  if (mount === undefined || folder === undefined) return [];
  if (mount.superOptions.includes('ro')) {
    const text = `the file system on ${mount.mountPoint} is read-only now, perhaps because of errors`;
    return [{ fatal: false, text, hint: `See why: dmesg; then: mount -o remount,rw ${mount.mountPoint}` }];
  }
  const there = files.status(folder);
  if (there === undefined || there.kind === 'folder') return [];
  return [{ fatal: true, text: `${folder} is no folder`, hint: 'Choose another "path" in /etc/kcapture.conf' }];
}

function readSpace(system: System, target: ArmedTarget, { node, mount }: TargetPlace): Space | undefined {
  try {
    if (mount !== undefined) return system.files.space(mount.mountPoint);
    if (target.kind !== 'raw' || node === undefined) return undefined;
    const bytes = system.kernel.blockDeviceSize(node);
    return { totalBytes: bytes, freeBytes: bytes };
  } catch {
    return undefined;
  }
}
