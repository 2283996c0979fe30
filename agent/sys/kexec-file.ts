/** Handing the kernel another kernel to start: at once, or when it crashes. */
import { dlopen, FFIType } from 'bun:ffi';
import { constants } from 'node:fs';
import { callNumber } from './call-number.ts';
import type { KexecFileRequest } from './kernel-interface.ts';
import { withDescriptor } from './kernel-open.ts';
import { checkCall, terminated } from './system-call.ts';

/** @source linux/kexec.h */
const flag = { unload: 1, onCrash: 2, noInitramfs: 4 } as const;
const noFile = -1;
/** Every architecture takes less. @source COMMAND_LINE_SIZE: 2048 on x86_64 and aarch64, 65536 at most */
const mostLineBytes = 65536;
/** A pipe without a writer would block for ever; what is no regular file the kernel refuses. */
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK;
const kexecFileLoad = dlopen('libc.so.6', {
  syscall: { args: ['i64', 'i32', 'i32', 'u64', 'ptr', 'u64'], returns: FFIType.i64_fast },
}).symbols.syscall;

/**
 * The kernel reads both files itself. What was loaded before is gone, also when this fails.
 *
 * @throws KernelCallError.
 */
export function loadKexecFile({ kernel, initramfs, commandLine, onCrash }: KexecFileRequest): void {
  const action = `load the ${onCrash ? 'crash ' : ''}kernel "${kernel}"`;
  const flags = (onCrash ? flag.onCrash : 0) | (initramfs === undefined ? flag.noInitramfs : 0);
  const text = terminated(commandLine, mostLineBytes, 'the command line of a kernel');
  withDescriptor(kernel, openFlags, action, (kernelFd) => {
    if (initramfs === undefined) call(kernelFd, noFile, text, flags, action);
    else withDescriptor(initramfs, openFlags, action, (fd) => call(kernelFd, fd, text, flags, action));
  });
}

/** Nothing happens when none is loaded. @throws KernelCallError. */
export function unloadKexecFile(onCrash: boolean): void {
  const action = `unload the ${onCrash ? 'crash ' : ''}kernel`;
  call(noFile, noFile, terminated('', 1, 'nothing'), flag.unload | (onCrash ? flag.onCrash : 0), action);
}

function call(kernelFd: number, initramfsFd: number, commandLine: Uint8Array, flags: number, action: string): void {
  // Why: the C library has no function for this call.
  // Safe: two descriptors, a NUL-terminated text that lives until the call returns, and its length with the NUL.
  const result = kexecFileLoad(callNumber('kexecFileLoad'), kernelFd, initramfsFd, commandLine.length, commandLine, flags);
  checkCall(result, action);
}
