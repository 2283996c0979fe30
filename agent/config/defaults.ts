/**
 * What holds when nothing is said. Where kdump has a default and it is a sound one, it is ours; each of the others has its reason here.
 */
import { MiB } from '../binary/units.ts';
import type { Configuration } from './configuration.ts';

/** Drop-in hooks, found when the machine is armed: every program in these folders, in the order of their names. @source kdump.conf(5) */
export const hookFolders = { pre: '/etc/kdump/pre.d', post: '/etc/kdump/post.d', emergency: '/etc/kdump/emergency.d' } as const;

export const defaultConfiguration: Configuration = {
  source: undefined,
  targets: [{ kind: 'root', line: 0 }],
  path: '/var/crash',
  // zstd -1 writes two thirds of what LZO writes, and is faster than the disks it writes to. 31 leaves out all that may stay out.
  collector: { kind: 'own', levels: [31], codec: 'zstd', codecLevel: undefined, format: 'kdump', flattened: false, threads: 0 },
  sshKey: undefined,
  preHooks: [],
  postHooks: [],
  emergencyHooks: [],
  // A hook that sends a message takes seconds; one that hangs must not keep the machine down.
  hookTimeoutSeconds: 60,
  extraPrograms: [],
  extraModules: [],
  failureAction: 'reboot',
  finalAction: 'reboot',
  dracutArguments: [],
  forceRebuild: false,
  forceNoRebuild: false,
  autoResetCrashkernel: true,
  fenceKdumpNodes: [],
  fenceKdumpArguments: [],
  // Terabytes take hours on a sound machine: what ends a hang is that progress stops, not that time passes.
  timeLimitSeconds: undefined,
  // RAID controllers and disks that spin up take up to half of it.
  deviceTimeoutSeconds: 60,
  // A server whose disks are busy is silent for seconds; one that fails over to another, for up to a minute.
  stallLimitSeconds: 60,
  // A server that restarts, or a switch that learns a new way, is back within two minutes.
  retryLimitSeconds: 120,
  // Only the administrator knows when an old dump has been looked at.
  keep: {},
  // Enough for the next boot to write its logs to the same file system.
  minFreeBytes: 64 * MiB,
  dmesgOnlyBelowBytes: undefined,
  // How much memory there will be is known only then.
  memoryLimitBytes: undefined,
  notify: [],
  // Three dumps in an hour are the same crash three times; a fourth tells nothing new and may push out the first.
  loopLimit: { captures: 3, windowSeconds: 3600 },
  generator: 'auto',
  kernel: undefined,
  commandLine: { replace: undefined, remove: [], append: undefined },
};
