/**
 * Can a capture be written to a target? A small file is written there, read back and removed. What is not mounted is opened as the capture would open it.
 *
 * Nothing is written to a raw device: whatever is on it would be lost.
 */
import { randomBytes } from 'node:crypto';
import { type ArmedTarget, isOnNetwork } from '../../config/armed-plan.ts';
import { formatBytes, KiB } from '../../binary/units.ts';
import { KcaptureError } from '../../errors.ts';
import type { System } from '../../sys/system.ts';
import { openTarget } from '../../target/open-target.ts';
import type { Check } from '../status/check.ts';
import { checkTarget } from '../target/check-target.ts';
import { findTargetPlace } from '../target-place.ts';
import { TestError } from './test-error.ts';

export type ProbeOptions = {
  /** Number of the target in the plan. */
  readonly index: number;
  readonly deviceTimeoutSeconds: number;
  readonly sshKey: string | undefined;
};

const probeBytes = 64 * KiB;

/** Never throws a KcaptureError: each is a failed check. */
export async function probeTarget(system: System, target: ArmedTarget, options: ProbeOptions): Promise<readonly Check[]> {
  if (!isOnNetwork(target)) return [probeDisk(system, target, options)];
  const { url, checks } = await checkTarget(system, target, options);
  return checks.map((check) => ({ ...check, name: `target ${options.index + 1}`, text: `${url}: ${check.text}` }));
}

function probeDisk(system: System, target: ArmedTarget, { index, deviceTimeoutSeconds }: ProbeOptions): Check {
  const name = `target ${index + 1}`;
  const hint = 'kcapture status';
  try {
    const { folder } = findTargetPlace(system, target);
    if (folder !== undefined) return { name, level: 'ok', text: `${target.wish}: ${probeFolder(system, folder)}` };
    const opened = openTarget(system, target, { index, endsAt: system.now() + deviceTimeoutSeconds * 1000 });
    try {
      const text = opened.kind === 'raw' ? probeDevice(system, opened.device) : probeFolder(system, opened.folder);
      return { name, level: 'ok', text: `${target.wish}: opened; ${text}` };
    } finally {
      opened.close();
    }
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    return { name, level: 'fail', text: `${target.wish}: ${error.message}`, hint: error.hint ?? hint };
  }
}

/** @throws FilesError; TestError `test/probe` when other bytes come back. */
function probeFolder({ files }: System, folder: string): string {
  const wasThere = files.status(folder) !== undefined;
  files.makeFolder(folder);
  const path = `${folder}/.kcapture-probe-${randomBytes(6).toString('hex')}`;
  const bytes = randomBytes(probeBytes);
  try {
    files.write(path, bytes, 0o600);
    if (Buffer.compare(bytes, files.readBytes(path)) !== 0) {
      throw new TestError('test/probe', `Cannot trust "${folder}": other bytes come back than were written`, { where: folder });
    }
  } finally {
    files.remove(path);
    if (!wasThere) files.remove(folder);
  }
  return `a file was written to ${folder} and read back, ${formatBytes(files.space(wasThere ? folder : parentOf(folder)).freeBytes)} free`;
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/')) || '/';
}

function probeDevice({ files, kernel }: System, device: string): string {
  files.readAt(device, 0, 4096);
  return `${device} with ${formatBytes(kernel.blockDeviceSize(device))} can be read; nothing was written to it`;
}
