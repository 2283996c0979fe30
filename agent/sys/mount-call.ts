/** Mounting and unmounting. */
import type { MountRequest, UnmountOptions } from './kernel-interface.ts';
import { mountFlags, parseMountOptions } from './mount-options.ts';
import { checkCall, systemLibc, terminated } from './system-call.ts';

const mostPathBytes = 4096;
const mostTypeBytes = 256;
/** One page, and no kernel's page is smaller. */
const mostDataBytes = 4096;
/** MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW. @source linux/fs.h */
const unmountFlag = { force: 1, detach: 2, noFollow: 8 } as const;

/** What the numbers mean for this call. @source mount(2) */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'the device can only be read, or may not be used',
  EBUSY: 'it is mounted already or in use',
  EINVAL: 'there is no such file system on it, or an option does not suit it',
  ENODEV: 'the kernel does not know this file system',
  ENOTBLK: 'it is no block device',
  EROFS: 'the device can only be read',
  EUCLEAN: 'the file system is damaged',
};

/** A bind mount takes its other flags only in a second call. @source mount(2), "Creating a bind mount" @throws KernelCallError. */
export function mountOne(request: MountRequest): void {
  const { flags, data } = parseMountOptions(request.options ?? '');
  const { bind, remount, recursive } = mountFlags;
  call(request, flags, data);
  const own = flags & ~(bind | recursive | remount);
  if ((flags & bind) !== 0 && (flags & remount) === 0 && own !== 0) call(request, bind | remount | own, data);
}

function call({ source, target, fsType }: MountRequest, flags: number, data: string): void {
  const texts = [
    terminated(source, mostPathBytes, 'the source of a mount'),
    terminated(target, mostPathBytes, 'a mount point'),
    terminated(fsType, mostTypeBytes, 'the type of a file system'),
    terminated(data, mostDataBytes, 'mount options'),
  ];
  // Why: the capture kernel's image need not hold a mount program, and its words would have to be parsed to learn what went wrong.
  // Safe: four NUL-terminated texts of bounded length, alive until the call returns; flags are the words of a fixed table.
  const result = systemLibc.mount(texts[0], texts[1], texts[2], flags >>> 0, texts[3]);
  checkCall(result, `mount "${source}" on "${target}" as ${fsType}`, target, reasons);
}

/** @throws KernelCallError. */
export function unmountOne(target: string, { lazy = false, force = false }: UnmountOptions): void {
  const path = terminated(target, mostPathBytes, 'a mount point');
  // Why: a target is let go before the machine restarts.
  // Safe: the path is NUL-terminated and lives until the call returns.
  const result = systemLibc.umount2(path, unmountFlag.noFollow | (lazy ? unmountFlag.detach : 0) | (force ? unmountFlag.force : 0));
  checkCall(result, `unmount "${target}"`, target, { EBUSY: 'it is in use', EINVAL: 'nothing is mounted there' });
}
