/** The file system of a target, mounted in the capture kernel. */
import type { ArmedTarget } from '../config/armed-plan.ts';
import type { System } from '../sys/system.ts';
import { reasonIn, TargetError } from './target-error.ts';

export type MountedTarget = { readonly mountPoint: string; unmount(): void };

/** Below it lie the mount points of all targets. */
export const mountRoot = '/run/kcapture/target';

/** File systems that have no block device: `device` is a name their driver understands. */
export const deviceless: ReadonlySet<string> = new Set(['virtiofs', '9p', 'tmpfs']);

/**
 * @param device the node, or what a file system without one is called by.
 * @param index number of the target: each has a mount point of its own.
 * @throws TargetError `target/mount`
 */
export function mountTarget(system: System, target: ArmedTarget & { kind: 'filesystem' }, device: string, index: number): MountedTarget {
  const mountPoint = `${mountRoot}/${index}`;
  system.files.makeFolder(mountPoint, 0o700);
  // An agent that died may have left its mount behind.
  if (isMounted(system, mountPoint)) system.kernel.unmount(mountPoint, { lazy: true });
  try {
    system.kernel.mount({ source: device, target: mountPoint, fsType: target.fsType, options: target.options });
  } catch (cause) {
    throw new TargetError('target/mount', `Cannot mount ${device} (${target.fsType}) for "${target.wish}": ${reasonIn(cause)}`, {
      where: device,
      cause,
      hint: `Is the driver of ${target.fsType} in the image? The last lines of the kernel's log tell more`,
    });
  }
  return { mountPoint, unmount: () => unmount(system, mountPoint) };
}

/** A mount point lies on another device than the folder it is in. */
export function isMounted({ files }: Pick<System, 'files'>, mountPoint: string): boolean {
  const here = files.status(mountPoint)?.device;
  return here !== undefined && here !== files.status(mountRoot)?.device;
}

/** What is on the disk stays there: everything was synced before. A mount somebody still uses goes away with its last user. */
function unmount(system: System, mountPoint: string): void {
  try {
    system.kernel.unmount(mountPoint);
  } catch {
    system.kernel.unmount(mountPoint, { lazy: true });
  }
}
