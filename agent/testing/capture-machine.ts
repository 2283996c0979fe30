/**
 * A capture kernel made of files: a folder as its root, a vmcore, a clock that a test moves, and kernel calls that are noted down where they would change this
 * machine. Files, programs and dumps are real.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { CaptureSettings } from '../capture/settings.ts';
import type { Configuration } from '../config/configuration.ts';
import { defaultConfiguration } from '../config/defaults.ts';
import { type Sink, SinkError } from '../sink/sink.ts';
import type { KernelCalls } from '../sys/kernel-interface.ts';
import type { System } from '../sys/system.ts';
import { buildCrash } from './build-crash.ts';
import { nodeKernelCalls } from './node-kernel-calls.ts';
import { createRootedSystem, putTree, type RootedSystem } from './rooted-system.ts';

/** 2026-03-04 05:06:07 UTC; the built crash happened in 2023. */
export const captureTime = Date.UTC(2026, 2, 4, 5, 6, 7);

export type CaptureMachine = {
  readonly system: RootedSystem;
  readonly root: string;
  /** Calls that would have changed the machine, as text. */
  readonly calls: string[];
  readonly clock: { ms: number };
  /** Threads that were asked for. */
  readonly tasks: unknown[];
  path(path: string): string;
  read(path: string): string;
  /** Every file below a folder with its mode: `name 600`. */
  list(folder: string): string[];
};

export type CaptureMachineOptions = {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly kernel?: Partial<KernelCalls>;
  readonly system?: (system: System) => Partial<System>;
  /** What happens to files below a folder that grow to a size: the disk is full, or breaks. */
  readonly disks?: Readonly<Record<string, Disk>>;
  readonly vmcore?: Uint8Array;
};

export type Disk = { readonly roomBytes: number; readonly fault: 'sink/no-space' | 'sink/io' };

export async function createCaptureMachine(t: Test, options: CaptureMachineOptions = {}): Promise<CaptureMachine> {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const calls: string[] = [];
  const tasks: unknown[] = [];
  const clock = { ms: 1000 };
  putTree(root, {
    '/proc/vmcore': options.vmcore ?? buildCrash(),
    '/proc/cmdline': 'root=kcapture elfcorehdr=0x33000000\n',
    '/proc/meminfo': 'MemTotal:         200000 kB\n',
    '/dev/kmsg': '',
    '/proc/sys/kernel/sysrq': '0',
    '/proc/sysrq-trigger': '',
    '/target/.keep': '',
    ...options.files,
  });
  const note = (text: string) => void calls.push(text);
  const kernel: KernelCalls = {
    ...nodeKernelCalls,
    utsname: () => ({ host: 'capture', release: '6.1.0-capture', version: '#1', machine: 'x86_64' }),
    wallClockMs: () => captureTime,
    sleep: (ms) => {
      clock.ms += ms;
    },
    readLog: () => '[    0.000000] the capture kernel itself\n',
    syncAll: () => note('sync'),
    reboot: (action) => note(action),
    loadModule: (path) => note(`load ${path}`),
    ...options.kernel,
  };
  const base = await createRootedSystem(root);
  const system: RootedSystem = {
    ...base,
    now: () => clock.ms,
    environment: () => undefined,
    startWorkers: (started) => void tasks.push(...started),
    kernel,
    createFile: (path, create) => {
      const [, disk] = Object.entries(options.disks ?? {}).find(([folder]) => path.startsWith(`${folder}/`)) ?? [];
      const sink = base.createFile(path, create);
      return disk === undefined ? sink : limitSink(sink, disk);
    },
    ...options.system?.(base),
  };
  const path = (name: string) => join(root, name);
  return {
    system,
    root,
    calls,
    clock,
    tasks,
    path,
    read: (name) => readFileSync(path(name), 'utf8'),
    list: (folder) => listFiles(path(folder)),
  };
}

function limitSink(sink: Sink, { roomBytes, fault }: Disk): Sink {
  return {
    name: sink.name,
    seekable: sink.seekable,
    write(offset, bytes) {
      const fits = Math.max(0, Math.min(bytes.length, roomBytes - offset));
      if (fits > 0) sink.write(offset, bytes.subarray(0, fits));
      if (fits < bytes.length) throw new SinkError(fault, `Cannot write "${sink.name}": the test's disk says ${fault}`);
    },
    sync: () => sink.sync(),
    close: () => sink.close(),
  };
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => `${name} ${(statSync(join(folder, name)).mode & 0o777).toString(8)}`)
    .sort();
}

/** A run into `/target`, unattended, with zlib since Node has no native zstd. */
export function captureSettings(changes: Partial<CaptureSettings> = {}, configuration: Partial<Configuration> = {}): CaptureSettings {
  const collector = { ...defaultConfiguration.collector, codec: 'zlib', threads: 1 } as Configuration['collector'];
  return {
    source: '/proc/vmcore',
    configuration: { ...defaultConfiguration, collector, minFreeBytes: 0, ...configuration },
    plan: undefined,
    targets: [{ kind: 'folder', wish: 'the target', folder: '/target' }],
    mode: 'full',
    unattended: true,
    inCaptureKernel: true,
    hooks: true,
    skip: false,
    startedAt: 1000,
    build: { version: '1.2.3', commit: 'abc' },
    problems: [],
    ...changes,
  };
}
