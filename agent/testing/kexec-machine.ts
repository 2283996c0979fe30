/**
 * A machine of files with memory reserved for a capture kernel, whose kernel answers kexec_file_load as real ones were seen to: it gives up what was loaded,
 * then looks at the files.
 */
import type { Test } from 'tap';
import { KernelCallError } from '../sys/kernel-error.ts';
import type { KexecFileRequest } from '../sys/kernel-interface.ts';
import { buildBzImage } from './build-kernel-image.ts';
import { createRootedSystem, putTree, type RootedSystem } from './rooted-system.ts';

export const machineRelease = '6.1.0-test';

export type KexecMachine = RootedSystem & {
  /** Every load that was asked for, in order. */
  readonly loads: KexecFileRequest[];
  /** Errno names the next loads give; empty: they succeed. */
  readonly refusals: string[];
  /** What the kernel's log holds. */
  readonly log: string[];
};

export type KexecMachineOptions = {
  readonly tree?: Readonly<Record<string, string | Uint8Array>>;
  readonly crashSize?: number;
  readonly commandLine?: string;
};

const loadedPath = '/sys/kernel/kexec_crash_loaded';
const noProblem = 'none';

export async function createKexecMachine(t: Test, options: KexecMachineOptions = {}): Promise<KexecMachine> {
  const folder = t.testdir({});
  const reserved = options.crashSize ?? 256 * 1024 * 1024;
  putTree(folder, {
    'boot/vmlinuz-6.1.0-test': buildBzImage({ signed: true }),
    'boot/initrd': 'an image',
    'sys/kernel/kexec_crash_size': `${reserved}\n`,
    'sys/kernel/kexec_crash_loaded': '0\n',
    'proc/cmdline': `${options.commandLine ?? 'console=ttyS0 quiet root=/dev/sda1 crashkernel=256M'}\n`,
    'proc/sys/kernel/random/boot_id': 'aaaa\n',
    'proc/self/status': 'Name:\tx\nCapEff:\t000001ffffffffff\n',
    'proc/meminfo': 'MemTotal:        4000000 kB\n',
    'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu\ninitial apicid\t: 0\n\n',
    'run/keep': '',
    ...options.tree,
  });
  const [loads, refusals, log]: [KexecFileRequest[], string[], string[]] = [[], [], []];
  const base = await createRootedSystem(folder);
  const setLoaded = (loaded: boolean) => base.files.writeExisting(loadedPath, loaded ? '1\n' : '0\n');
  const kernel = {
    ...base.kernel,
    utsname: () => ({ host: 'test', release: machineRelease, version: '#1', machine: 'x86_64' }),
    effectiveUserId: () => 0,
    readLog: () => log.join(''),
    sleep() {},
    kexecFileLoad(request: KexecFileRequest) {
      loads.push(request);
      setLoaded(false);
      const errno = refusals.shift() ?? noProblem;
      if (errno !== noProblem) {
        log.push(`[    1.000000] kexec_file: refused with ${errno}\n`);
        throw new KernelCallError(errno, `Cannot load: ${errno}`);
      }
      setLoaded(true);
    },
    kexecFileUnload: () => setLoaded(false),
  };
  return { ...base, kernel, loads, refusals, log };
}
