/**
 * From what was armed to a place that takes bytes: waits for the device, opens the layers below it, mounts.
 *
 * Comes in: one target of the plan, or a folder named by hand. Goes out: a folder or a raw device, and how to let go of it.
 */
import type { ArmedTarget } from '../config/armed-plan.ts';
import { findDevice } from '../linux/find-device.ts';
import type { System } from '../sys/system.ts';
import { openLayers } from './layers.ts';
import { deviceless, type MountedTarget, mountTarget } from './mount-target.ts';
import { mountNfs } from './nfs/mount-nfs.ts';
import { reasonIn, TargetError } from './target-error.ts';
import { waitForDevice, type WaitOptions } from './wait-for-device.ts';

/** `folder`: one that is there already, for a capture by hand. */
export type CaptureTarget = ArmedTarget | { readonly kind: 'folder'; readonly wish: string; readonly folder: string };

export type OpenTarget =
  | { readonly kind: 'folder'; readonly folder: string; close(): void }
  | { readonly kind: 'raw'; readonly device: string; close(): void };

export type OpenTargetOptions = WaitOptions & {
  /** Number of the target in the plan. */
  readonly index: number;
  /** For a server that tells its clients apart by their names; see `mountNfs`. */
  readonly clientName?: string | undefined;
};

/** @throws TargetError with any of its codes. Nothing stays open then. */
export function openTarget(system: System, target: CaptureTarget, options: OpenTargetOptions): OpenTarget {
  if (target.kind === 'unsupported') throw new TargetError('target/unsupported', `Cannot use the target "${target.wish}": ${target.why}`);
  if (target.kind === 'folder') return openFolder(system, target.folder);
  if (target.kind === 'remote') throw new TargetError('target/unsupported', `Cannot open "${target.wish}" as a folder or a device`);
  if (target.kind === 'nfs') return openMounted(system, target, mountNfs(system, target, options));
  const isDeviceless = target.kind === 'filesystem' && deviceless.has(target.fsType);
  const closeLayers =
    isDeviceless || findDevice(system, target.device) !== undefined ? () => {} : openLayers(system, target.layers, options);
  try {
    const device = isDeviceless ? target.device : waitForDevice(system, target.device, options);
    if (target.kind === 'raw') return { kind: 'raw', device, close: closeLayers };
    const open = openMounted(system, target, mountTarget(system, target, device, options.index));
    return {
      ...open,
      close() {
        open.close();
        closeLayers();
      },
    };
  } catch (error) {
    closeLayers();
    throw error;
  }
}

/** @throws TargetError `target/memory` in a capture kernel, when what is saved there would go with the next restart. */
function openFolder(system: System, path: string): OpenTarget {
  const folder = makeFolder(system, path);
  const fsType = system.exists('/proc/vmcore') ? fileSystemOf(system, folder) : undefined;
  if (fsType === undefined || !inMemory.has(fsType)) return { kind: 'folder', folder, close() {} };
  throw new TargetError(
    'target/memory',
    `Cannot save to "${path}": it lies in the memory of this kernel (${fsType}) and goes with the next restart`,
    {
      where: path,
      hint: 'Mount a disk there first',
    },
  );
}

const inMemory: ReadonlySet<string> = new Set(['rootfs', 'ramfs', 'tmpfs', 'devtmpfs']);

/** Type of the file system that holds an absolute path without links: that of the last mount whose point leads to it. @source proc(5), /proc/mounts */
function fileSystemOf({ files }: System, path: string): string | undefined {
  const mounts = (files.readTextIfThere('/proc/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const holding = mounts.filter(([, point]) => point === '/' || point === path || (point !== undefined && path.startsWith(`${point}/`)));
  const longest = Math.max(...holding.map(([, point]) => point.length));
  return holding.findLast(([, point]) => point.length === longest)?.[2];
}

function openMounted(
  system: System,
  target: ArmedTarget & { kind: 'filesystem' | 'nfs' },
  { mountPoint, unmount }: MountedTarget,
): OpenTarget & { kind: 'folder' } {
  try {
    const folder = makeFolder(system, `${mountPoint}/${target.folder}`.replace(/\/+/g, '/'));
    requireInside(system, folder, mountPoint, target.wish);
    return { kind: 'folder', folder, close: unmount };
  } catch (error) {
    unmount();
    throw target.kind === 'nfs' ? explainSquash(error) : error;
  }
}

/** An NFS server takes the superuser of another machine for nobody, unless it is told otherwise. @source exports(5) */
function explainSquash(error: unknown): unknown {
  if (!(error instanceof TargetError) || (error.cause as { code?: string } | undefined)?.code !== 'files/permission') return error;
  const { code, message, where, cause } = error;
  const hint = 'On the server, export with no_root_squash, or give the folder to the user that root becomes: chown nobody FOLDER';
  return new TargetError(code, message, { where, cause, hint });
}

/**
 * @returns the folder with every link in it resolved.
 * @throws TargetError `target/read-only`, `target/mount`.
 */
function makeFolder({ files }: System, folder: string): string {
  try {
    files.makeFolder(folder);
    const real = files.realPath(folder);
    if (real !== undefined) return real;
  } catch (cause) {
    const code = (cause as { code?: string }).code === 'files/read-only' ? 'target/read-only' : 'target/mount';
    throw new TargetError(code, `Cannot make the folder "${folder}": ${reasonIn(cause)}`, { where: folder, cause });
  }
  throw new TargetError('target/mount', `Cannot make the folder "${folder}": it leads nowhere`, { where: folder });
}

/** A link in the path may lead out of the file system: then the dump would go to the memory of the capture kernel, and be lost with it. */
function requireInside({ files }: System, folder: string, mountPoint: string, wish: string): void {
  const root = files.realPath(mountPoint);
  if (root !== undefined && (folder === root || folder.startsWith(`${root}/`))) return;
  throw new TargetError(
    'target/outside',
    `Cannot use the folder of "${wish}": a link in it leads to "${folder}", outside the file system`,
    {
      where: folder,
      hint: 'Name the folder that the link leads to in "path"',
    },
  );
}
