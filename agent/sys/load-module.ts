/** Loading a kernel module from its file. */
import { dlopen, FFIType } from 'bun:ffi';
import { constants } from 'node:fs';
import { callNumber } from './call-number.ts';
import { withDescriptor } from './kernel-open.ts';
import { checkCall, terminated } from './system-call.ts';
import { errno } from './libc.ts';

/** MODULE_INIT_COMPRESSED_FILE, since Linux 5.17 where the kernel was built with it. @source linux/module.h */
const compressedFile = 4;
const EEXIST = 17;
const mostParameterBytes = 4096;
const finitModule = dlopen('libc.so.6', { syscall: { args: ['i64', 'i32', 'ptr', 'i32'], returns: FFIType.i64_fast } }).symbols.syscall;

/** What the numbers mean for this call. @source kernel/module/main.c, measured on Linux 6.1 and 7.2 */
const reasons: Readonly<Record<string, string>> = {
  EINVAL: 'the kernel takes no such parameter, or no module compressed like this',
  EKEYREJECTED: 'its signature is missing or not accepted',
  ENODEV: 'the device it is for is not there',
  ENOENT: 'it needs something of another module that is not loaded',
  ENOEXEC: 'it is no module for this kernel',
  EPERM: 'not permitted: only the superuser may, and nobody while the kernel is locked down',
};

/** Nothing happens when the module is there already. @throws KernelCallError. */
export function loadModuleFile(path: string, parameters = ''): void {
  const action = `load the module "${path}"`;
  const text = terminated(parameters, mostParameterBytes, 'parameters of a module');
  const flags = /\.(xz|zst|gz)$/.test(path) ? compressedFile : 0;
  withDescriptor(path, constants.O_RDONLY | constants.O_NONBLOCK, action, (fd) => {
    // Why: the capture kernel's image need not hold insmod.
    // Safe: an open descriptor, a NUL-terminated text that lives until the call returns, a constant.
    const result = finitModule(callNumber('finitModule'), fd, text, flags);
    if (result < 0 && errno() !== EEXIST) checkCall(result, action, path, reasons);
  });
}
