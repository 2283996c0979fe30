/**
 * A whole machine as a tree of files: reserved memory, a loaded capture kernel, a fresh image, a target on an ext4 disk. Tests take away what they want to be
 * missing.
 */
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { imagePath, planPath } from '../host/paths.ts';
import { resolvePlan } from '../host/resolve-plan.ts';
import type { System } from '../sys/system.ts';
import { buildSuperblock } from './build-superblock.ts';
import { nodeKernelCalls } from './node-kernel-calls.ts';
import { createRootedSystem, putTree, type RootedSystem } from './rooted-system.ts';

export const testBuild = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
export const testRelease = '6.1.0-test';
export const diskUuid = '01234567-89ab-cdef-0123-456789abcdef';

export type ArmedMachine = RootedSystem & {
  /** Writes files below the root. */
  put(tree: Readonly<Record<string, string | Uint8Array>>): void;
  /** Takes a file or folder away. */
  drop(path: string): void;
};

/** @param folder empty; becomes the machine's root. */
export async function createArmedMachine(folder: string, overrides: Partial<System> = {}): Promise<ArmedMachine> {
  putTree(folder, machineTree());
  mkdirSync(join(folder, 'sys/dev/block'), { recursive: true });
  symlinkSync('../../class/block/vda1', join(folder, 'sys/dev/block/254:1'));
  const system = await createRootedSystem(folder, {
    executablePath: '/usr/bin/kcapture',
    environment: () => undefined,
    kernel: {
      ...nodeKernelCalls,
      utsname: () => ({ host: 'worker', release: testRelease, version: '#1 SMP', machine: 'x86_64' }),
      effectiveUserId: () => 0,
      blockDeviceSize: () => 1024 ** 3,
      sleep() {},
    },
    ...overrides,
  });
  putArmed(system);
  return {
    ...system,
    put: (tree) => putTree(folder, tree),
    drop: (path) => rmSync(join(folder, path), { recursive: true, force: true }),
  };
}

/** Image, plan and record as they are after `kcapture load` with the configuration that is there now. */
export function putArmed(system: RootedSystem): void {
  const { configuration } = readHostConfiguration(system);
  const { plan } = resolvePlan(system, configuration, { kernelRelease: testRelease, build: testBuild });
  putTree(system.root, { [imagePath(testRelease)]: 'image', [planPath(testRelease)]: JSON.stringify(plan) });
  chmodSync(join(system.root, imagePath(testRelease)), 0o600);
  const record = {
    version: 1,
    loadedAt: '2026-03-01T10:00:00.000Z',
    bootId: 'boot-1',
    release: testRelease,
    kernel: `/boot/vmlinuz-${testRelease}`,
    kernelSha256: system.files.sha256(`/boot/vmlinuz-${testRelease}`),
    initramfs: imagePath(testRelease),
    initramfsSha256: system.files.sha256(imagePath(testRelease)),
    commandLine: 'root=kcapture',
  };
  writeFileSync(join(system.root, 'var/lib/kcapture/loaded.json'), JSON.stringify(record));
}

const kernelOptions = ['KEXEC_CORE', 'KEXEC_FILE', 'CRASH_DUMP', 'PROC_VMCORE', 'RELOCATABLE', 'VMCORE_INFO', 'KALLSYMS', 'MAGIC_SYSRQ'];

function machineTree(): Readonly<Record<string, string | Uint8Array>> {
  const modules = `lib/modules/${testRelease}`;
  return {
    'etc/machine-id': `${'0'.repeat(32)}\n`,
    'usr/bin/kcapture': 'the executable',
    [`boot/vmlinuz-${testRelease}`]: 'a kernel',
    [`boot/config-${testRelease}`]: kernelOptions.map((name) => `CONFIG_${name}=y\n`).join(''),
    [`${modules}/modules.dep`]: '',
    [`${modules}/modules.builtin`]: ['loop', 'squashfs', 'ext4', 'virtio_blk', 'crc32c'].map((name) => `kernel/${name}.ko\n`).join(''),
    'proc/cmdline': 'root=/dev/vda1 crashkernel=256M\n',
    'proc/cpuinfo': 'processor\t: 0\nflags\t\t: fpu ssse3 sse4_1 sse4_2 popcnt\n',
    'proc/meminfo': 'MemTotal: 2000000 kB\nMemFree: 1000000 kB\nCached: 500000 kB\nAnonPages: 300000 kB\n',
    'proc/self/mountinfo': '30 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n',
    'proc/sys/kernel/random/boot_id': 'boot-1\n',
    'proc/sys/kernel/panic': '10\n',
    'proc/sys/kernel/panic_on_oops': '1\n',
    'proc/sys/kernel/panic_on_warn': '0\n',
    'sys/kernel/kexec_crash_size': '268435456\n',
    'sys/kernel/kexec_crash_loaded': '1\n',
    'sys/class/block/vda1/size': '4194304\n',
    'sys/class/block/vda1/dev': '254:1\n',
    'sys/class/block/vda1/ro': '0\n',
    'dev/vda1': buildSuperblock('ext4', diskUuid),
    'etc/systemd/system/multi-user.target.wants/kcapture.service': '',
    'usr/lib/systemd/system/kcapture.service': '',
  };
}
