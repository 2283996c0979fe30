/** The kernel as tests on Node have it: what can be asked is asked, and what would change the machine is refused. */
import { readFileSync } from 'node:fs';
import { createFiles } from '../sys/machine-files.ts';
import { KernelCallError } from '../sys/kernel-error.ts';
import { kernelFacts } from '../sys/kernel-facts.ts';
import type { KernelCalls } from '../sys/kernel-interface.ts';

const files = createFiles();

export const nodeKernelCalls: KernelCalls = {
  ...kernelFacts,
  mount: ({ source, target }) => refuse(`mount "${source}" on "${target}"`),
  unmount: (target) => refuse(`unmount "${target}"`),
  syncFileSystem: (path) => files.sync(path),
  syncAll() {},
  reboot: (action) => refuse(`${action} the machine`),
  loadModule: (path) => refuse(`load the module "${path}"`),
  kexecFileLoad: ({ kernel }) => refuse(`load the kernel "${kernel}"`),
  kexecFileUnload: () => refuse('unload the kernel that was loaded by kexec'),
  blockDeviceSize(path) {
    const device = files.status(path)?.ownDevice;
    if (device === undefined || device === '') return refuse(`find the size of "${path}"`);
    return Number(readFileSync(`/sys/dev/block/${device}/size`, 'latin1')) * 512;
  },
  attachLoop: (path) => refuse(`attach "${path}" to a loop device`),
  setWallClock: () => refuse('set the clock'),
  routeNetlink: () => refuse('ask the kernel about its network'),
  permanentAddress: (link) => refuse(`ask for the address of "${link}"`),
  openWatchdog: (path) => refuse(`open the watchdog "${path}"`),
};

function refuse(action: string): never {
  throw new KernelCallError('', `Cannot ${action}: Node makes no such system calls`, { hint: 'Run the built executable.' });
}
