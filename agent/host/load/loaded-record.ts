/**
 * `loaded.json`: which pair of files and which command line the kernel holds for a crash, as the kernel itself does not tell.
 *
 * It belongs to one start of the machine: after a restart nothing is loaded, whatever it says.
 */
import { parseJsonObject } from '../../binary/json-object.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { hostPaths } from '../paths.ts';
import { isCrashKernelLoaded } from './kexec-state.ts';

export type LoadedRecord = {
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly loadedAt: string;
  /** As in `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: string;
  /** Release of the capture kernel. */
  readonly release: string;
  readonly kernel: string;
  readonly kernelSha256: string;
  readonly initramfs: string;
  readonly initramfsSha256: string;
  readonly commandLine: string;
};

const bootIdPath = '/proc/sys/kernel/random/boot_id';
const textFields = ['loadedAt', 'bootId', 'release', 'kernel', 'kernelSha256', 'initramfs', 'initramfsSha256', 'commandLine'] as const;

/** What is loaded now, if we loaded it in this run of the machine; `undefined` else, and when the record makes no sense. */
export function readLoadedRecord(system: System): LoadedRecord | undefined {
  const record = parseLoadedRecord(system.files.readTextIfThere(hostPaths.loaded) ?? '');
  return record !== undefined && record.bootId === readBootId(system) && isCrashKernelLoaded(system) ? record : undefined;
}

export function parseLoadedRecord(text: string): LoadedRecord | undefined {
  const fields = parseJsonObject(text);
  if (fields?.version !== 1 || !textFields.every((name) => typeof fields[name] === 'string')) return undefined;
  return fields as LoadedRecord;
}

export function writeLoadedRecord(system: System, record: LoadedRecord): void {
  system.files.makeFolder(hostPaths.state);
  system.files.write(hostPaths.loaded, `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
}

export function forgetLoadedRecord(system: System): void {
  system.files.remove(hostPaths.loaded);
}

export function readBootId(system: System): string {
  return system.files.readTextIfThere(bootIdPath)?.trim() ?? '';
}

/** Why the recorded pair could not be loaded again; `undefined`: it could. Reads both files. */
export function whyNotRestorable(system: System, record: LoadedRecord): string | undefined {
  const pairs = [
    [record.kernel, record.kernelSha256],
    [record.initramfs, record.initramfsSha256],
  ] as const;
  for (const [path, sha256] of pairs) {
    if (system.files.status(path)?.kind !== 'file') return `"${path}" is gone`;
    try {
      if (system.files.sha256(path) !== sha256) return `"${path}" has changed`;
    } catch (error) {
      if (error instanceof KcaptureError) return error.message;
      throw error;
    }
  }
  return undefined;
}
