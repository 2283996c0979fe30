/** The calls that change the machine, made through the C library. Only the superuser may make most of them. */
import { dlopen, FFIType } from 'bun:ffi';
import { closeSync, constants, fstatSync } from 'node:fs';
import { KernelCallError } from './kernel-error.ts';
import { kernelFacts } from './kernel-facts.ts';
import type { KernelCalls, KexecFileRequest, MountRequest, RebootAction } from './kernel-interface.ts';
import { withDescriptor } from './kernel-open.ts';
import { attachLoopDevice } from './loop-device.ts';
import { mountFlags, parseMountOptions } from './mount-options.ts';
import { checkCall, ioctlWith, systemLibc, terminated } from './system-call.ts';
import { openWatchdogDevice } from './watchdog.ts';

/** @source asm/unistd_64.h (x86_64), asm-generic/unistd.h (aarch64) */
const callNumbers: Readonly<Record<string, { readonly finitModule: number; readonly kexecFileLoad: number }>> = {
  x64: { finitModule: 313, kexecFileLoad: 320 },
  arm64: { finitModule: 273, kexecFileLoad: 294 },
};
/** @source linux/reboot.h, LINUX_REBOOT_CMD_… */
const rebootCommands: Readonly<Record<RebootAction, number>> = { reboot: 0x01234567, halt: 0xcdef0123, poweroff: 0x4321fedc };
/** @source linux/kexec.h */
const kexecFlags = { unload: 1, onCrash: 2, noInitramfs: 4 } as const;
/** MODULE_INIT_COMPRESSED_FILE, since Linux 5.17. @source linux/module.h */
const compressedModule = 4;
/** MNT_DETACH, UMOUNT_NOFOLLOW. @source linux/fs.h */
const unmountFlags = { detach: 2, noFollow: 8 } as const;
/** _IOR(0x12, 114, size_t) */
const BLKGETSIZE64 = 0x80081272;
const finitModule = dlopen('libc.so.6', { syscall: { args: ['i64', 'i32', 'ptr', 'i32'], returns: FFIType.i64_fast } }).symbols.syscall;
const kexecFile = dlopen('libc.so.6', { syscall: { args: ['i64', 'i32', 'i32', 'u64', 'ptr', 'u64'], returns: FFIType.i64_fast } }).symbols
  .syscall;
const pathBytes = 4096;
/** Mount data fill one page at most, and kernels differ in the page's size. */
const dataBytes = 4096;
/** The longest COMMAND_LINE_SIZE of the architectures is shorter. */
const commandLineBytes = 65536;

export function createKernelCalls(): KernelCalls {
  const unusedLoops = new Map<string, number>();
  return {
    ...kernelFacts,
    mount(request) {
      mountOne(request);
      releaseLoop(unusedLoops, request.source);
    },
    unmount(target, { lazy = false } = {}) {
      const path = terminated(target, pathBytes, 'a mount point');
      // Why: a target is let go before the machine restarts.
      // Safe: the path is NUL-terminated and lives until the call returns.
      const result = systemLibc.umount2(path, unmountFlags.noFollow | (lazy ? unmountFlags.detach : 0));
      checkCall(result, `unmount "${target}"`, target);
    },
    syncFileSystem(path) {
      const action = `write out the file system of "${path}"`;
      withDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK, action, (fd) => {
        // Why: one file system's data must be on its disk before we say so.
        // Safe: an open descriptor and nothing else goes in.
        checkCall(systemLibc.syncfs(fd), action, path);
      });
    },
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
    loadModule,
    kexecFileLoad,
    kexecFileUnload(onCrash) {
      callKexec(-1, -1, '', kexecFlags.unload | (onCrash ? kexecFlags.onCrash : 0), 'unload the kernel that was loaded by kexec');
    },
    blockDeviceSize,
    attachLoop(path) {
      const loop = attachLoopDevice(path);
      unusedLoops.set(loop.path, loop.fd);
      return loop.path;
    },
    openWatchdog: openWatchdogDevice,
  };
}

/** Once mounted, the mount keeps the device; our descriptor would keep it beyond the mount. */
function releaseLoop(unusedLoops: Map<string, number>, path: string): void {
  const fd = unusedLoops.get(path);
  if (fd === undefined) return;
  unusedLoops.delete(path);
  closeSync(fd);
}

/** A bind mount takes its other flags only in a second call. @source mount(2), "Creating a bind mount" */
function mountOne(request: MountRequest): void {
  const { flags, data } = parseMountOptions(request.options ?? '');
  const { bind, remount, recursive } = mountFlags;
  callMount(request, flags, data);
  const own = flags & ~(bind | recursive | remount);
  if ((flags & bind) !== 0 && (flags & remount) === 0 && own !== 0) callMount(request, bind | remount | own, data);
}

function callMount({ source, target, fsType }: MountRequest, flags: number, data: string): void {
  const texts = [
    terminated(source, pathBytes, 'the source of a mount'),
    terminated(target, pathBytes, 'a mount point'),
    terminated(fsType, 256, 'the type of a file system'),
    terminated(data, dataBytes, 'mount options'),
  ];
  // Why: the capture kernel's image need not hold a mount program, and its words would have to be parsed to learn what went wrong.
  // Safe: four NUL-terminated texts of bounded length, alive until the call returns; flags are the words of a fixed table.
  const result = systemLibc.mount(texts[0], texts[1], texts[2], flags >>> 0, texts[3]);
  checkCall(result, `mount "${source}" on "${target}" as ${fsType}`, target);
}

function loadModule(path: string, parameters = ''): void {
  const action = `load the module "${path}"`;
  const text = terminated(parameters, 4096, 'parameters of a module');
  const flags = /\.(xz|zst|gz)$/.test(path) ? compressedModule : 0;
  withDescriptor(path, constants.O_RDONLY, action, (fd) => {
    // Why: the capture kernel's image need not hold insmod.
    // Safe: an open descriptor, a NUL-terminated text that lives until the call returns, a constant.
    const result = finitModule(numbers().finitModule, fd, text, flags);
    try {
      checkCall(result, action, path);
    } catch (error) {
      if (!(error instanceof KernelCallError && error.errno === 'EEXIST')) throw error;
    }
  });
}

function kexecFileLoad({ kernel, initramfs, commandLine, onCrash }: KexecFileRequest): void {
  const action = `load the ${onCrash ? 'crash ' : ''}kernel "${kernel}"`;
  const flags = (onCrash ? kexecFlags.onCrash : 0) | (initramfs === undefined ? kexecFlags.noInitramfs : 0);
  withDescriptor(kernel, constants.O_RDONLY, action, (kernelFd) => {
    if (initramfs === undefined) callKexec(kernelFd, -1, commandLine, flags, action);
    else withDescriptor(initramfs, constants.O_RDONLY, action, (fd) => callKexec(kernelFd, fd, commandLine, flags, action));
  });
}

function callKexec(kernelFd: number, initramfsFd: number, commandLine: string, flags: number, action: string): void {
  const text = terminated(commandLine, commandLineBytes, 'the command line of a kernel');
  const length = (flags & kexecFlags.unload) === 0 ? text.length : 0;
  // Why: the C library has no function for this call.
  // Safe: two descriptors, a NUL-terminated text that lives until the call returns, and its length with the NUL.
  checkCall(kexecFile(numbers().kexecFileLoad, kernelFd, initramfsFd, length, text, flags), action);
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

function numbers() {
  const found = callNumbers[process.arch];
  if (found !== undefined) return found;
  throw new KernelCallError('ENOSYS', `Cannot make this call on ${process.arch}: its number is not known`);
}

/** Tells the page cache that these bytes of a file are not needed again. */
export function forgetCached(fd: number, offset: number, length: number): void {
  // Why: reading a whole image or dump once more would push everything else out of memory.
  // Safe: a descriptor and a range; the kernel takes it as advice. 4 is POSIX_FADV_DONTNEED.
  systemLibc.posix_fadvise(fd, offset, length, 4);
}
