/** A read-only block device over a file, for a file system inside a file. */
import { closeSync, constants } from 'node:fs';
import { encodeText } from '../binary/text.ts';
import { openForCall, withDescriptor } from './kernel-open.ts';
import { callError, checkCall, ioctl, ioctlWith } from './system-call.ts';
import { errno } from './libc.ts';

/** @source linux/loop.h */
const request = { getFree: 0x4c82, configure: 0x4c0a, setFd: 0x4c00, clearFd: 0x4c01, setStatus: 0x4c04 } as const;
/** LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR */
const readOnlyAutoclear = 1 | 4;
/** struct loop_info64 */
const info = { flags: 52, fileName: 56, fileNameBytes: 64, bytes: 232 } as const;
/** struct loop_config: the file's descriptor, the block size, loop_info64, eight reserved words. */
const config = { fd: 0, info: 8, bytes: 304 } as const;
if (config.info + info.bytes + 8 * 8 !== config.bytes) throw new Error('struct loop_config has 304 bytes');
const EBUSY = 16;
const EINVAL = 22;
const ENOTTY = 25;
/** Another program may take the device we were offered. */
const attempts = 16;

/** `fd` keeps the device alive until somebody else uses it: it is detached with its last user. */
export type LoopDevice = { readonly path: string; readonly fd: number };

/** Ties a file to an open loop device. @returns 0 or an errno number. */
export type Attach = (fd: number, file: number, path: string) => number;

/** @throws KernelCallError; ENOENT when the kernel has no loop devices. */
export function attachLoopDevice(path: string, attach: Attach = attachEitherWay): LoopDevice {
  return withDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK, `open "${path}"`, (file) => {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const device = freeDevice();
      const fd = openDevice(device);
      const number = attach(fd, file, path);
      if (number === 0) return { path: device, fd };
      closeSync(fd);
      if (number !== EBUSY) throw callError(number, `attach "${path}" to "${device}"`, path);
    }
    throw callError(EBUSY, `attach "${path}": every loop device offered was taken by another program`, path);
  });
}

function freeDevice(): string {
  const action = 'find a free loop device';
  return withDescriptor(
    '/dev/loop-control',
    constants.O_RDWR,
    action,
    (fd) => `/dev/loop${checkCall(ioctl(fd, request.getFree, 0), action)}`,
  );
}

function openDevice(device: string): number {
  return openForCall(device, constants.O_RDONLY, `open "${device}"`);
}

/** One request, LOOP_CONFIGURE, came with Linux 5.8. */
function attachEitherWay(fd: number, file: number, path: string): number {
  const number = attachAtOnce(fd, file, path);
  return number === EINVAL || number === ENOTTY ? attachInTwoSteps(fd, file, path) : number;
}

function attachAtOnce(fd: number, file: number, path: string): number {
  const argument = new Uint8Array(config.bytes);
  new DataView(argument.buffer).setUint32(config.fd, file, true);
  argument.set(loopInfo(path), config.info);
  return ioctlWith(fd, request.configure, argument) >= 0 ? 0 : errno();
}

/** The way of older kernels. */
export function attachInTwoSteps(fd: number, file: number, path: string): number {
  if (ioctl(fd, request.setFd, file) < 0) return errno();
  if (ioctlWith(fd, request.setStatus, loopInfo(path)) >= 0) return 0;
  const number = errno();
  ioctl(fd, request.clearFd, 0);
  return number;
}

function loopInfo(path: string): Uint8Array {
  const bytes = new Uint8Array(info.bytes);
  new DataView(bytes.buffer).setUint32(info.flags, readOnlyAutoclear, true);
  bytes.set(encodeText(path).subarray(0, info.fileNameBytes - 1), info.fileName);
  return bytes;
}
