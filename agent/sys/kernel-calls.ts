/** The calls that change the machine, made through the C library. Only the superuser may make most of them. */
import { closeSync, constants, fstatSync } from 'node:fs';
import { KernelCallError } from './kernel-error.ts';
import { kernelFacts } from './kernel-facts.ts';
import type { KernelCalls, RebootAction } from './kernel-interface.ts';
import { withDescriptor } from './kernel-open.ts';
import { loadKexecFile, unloadKexecFile } from './kexec-file.ts';
import { loadModuleFile } from './load-module.ts';
import { attachLoopDevice } from './loop-device.ts';
import { mountOne, unmountOne } from './mount-call.ts';
import { askRouteNetlink } from './netlink-socket.ts';
import { readPermanentAddress } from './permanent-address.ts';
import { setRealTimeClock } from './set-clock.ts';
import { checkCall, ioctlWith, systemLibc } from './system-call.ts';
import { openWatchdogDevice } from './watchdog.ts';

/** @source linux/reboot.h, LINUX_REBOOT_CMD_… */
const rebootCommands: Readonly<Record<RebootAction, number>> = { reboot: 0x01234567, halt: 0xcdef0123, poweroff: 0x4321fedc };
/** _IOR(0x12, 114, size_t) @source linux/fs.h */
const BLKGETSIZE64 = 0x80081272;

export function createKernelCalls(): KernelCalls {
  /** Loop devices nobody has mounted yet, and the descriptors that keep them. */
  const unusedLoops = new Map<string, number>();
  return {
    ...kernelFacts,
    mount(request) {
      mountOne(request);
      releaseLoop(unusedLoops, request.source);
    },
    unmount: (target, options = {}) => unmountOne(target, options),
    syncFileSystem,
    syncAll() {
      // Why: reboot(2) writes nothing out by itself.
      // Safe: takes nothing and returns nothing.
      systemLibc.sync();
    },
    reboot(action) {
      // Why: in the capture kernel no service is there that could be asked.
      // Safe: the C library adds the two magic numbers; the command is one of three constants.
      checkCall(systemLibc.reboot(rebootCommands[action]), `${action} the machine`);
    },
    loadModule: loadModuleFile,
    kexecFileLoad: loadKexecFile,
    kexecFileUnload: unloadKexecFile,
    blockDeviceSize,
    attachLoop(path) {
      const loop = attachLoopDevice(path);
      unusedLoops.set(loop.path, loop.fd);
      return loop.path;
    },
    openWatchdog: openWatchdogDevice,
    setWallClock: setRealTimeClock,
    routeNetlink: askRouteNetlink,
    permanentAddress: readPermanentAddress,
  };
}

/** Once mounted, the mount keeps the device; our descriptor would keep it beyond the mount. */
function releaseLoop(unusedLoops: Map<string, number>, path: string): void {
  const fd = unusedLoops.get(path);
  if (fd === undefined) return;
  unusedLoops.delete(path);
  closeSync(fd);
}

function syncFileSystem(path: string): void {
  const action = `write out the file system of "${path}"`;
  withDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK, action, (fd) => {
    // Why: one file system's data must be on its disk before we say so.
    // Safe: an open descriptor and nothing else goes in.
    checkCall(systemLibc.syncfs(fd), action, path);
  });
}

function blockDeviceSize(path: string): number {
  const action = `find the size of "${path}"`;
  return withDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK, action, (fd) => {
    if (!fstatSync(fd).isBlockDevice()) throw new KernelCallError('ENOTBLK', `Cannot ${action}: it is no block device`, { where: path });
    const size = new BigUint64Array(1);
    checkCall(ioctlWith(fd, BLKGETSIZE64, size), action, path);
    return Number(size[0]);
  });
}

/**
 * Tells the page cache that these bytes of a file are not needed again. What is not on the disk yet begins to go there, and stays until it is.
 * @param length 0: to the end of the file.
 */
export function forgetCached(fd: number, offset: number, length: number): void {
  // Why: reading a whole image or dump once more would push everything else out of memory.
  // Safe: a descriptor and a range; the kernel takes it as advice. 4 is POSIX_FADV_DONTNEED.
  systemLibc.posix_fadvise(fd, offset, length, 4);
}
