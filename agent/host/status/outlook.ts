/** "What would happen on a crash": the checks put together in plain sentences. */
import { formatBytes } from '../../binary/units.ts';
import type { Check } from './check.ts';
import { isUsable } from './check-targets.ts';
import type { StatusFacts } from './facts.ts';

/** Two or three sentences. */
export function describeOutlook(facts: StatusFacts, checks: readonly Check[]): readonly string[] {
  const failed = checks.filter(({ level }) => level === 'fail');
  return failed.length === 0 ? [...whatIsSaved(facts), end(facts)] : whatIsLost(facts, failed);
}

function whatIsSaved({ record, targets, estimate, kexec }: StatusFacts): readonly string[] {
  const target = targets.find(isUsable);
  const kernel = record === undefined ? 'the loaded kernel' : `kernel ${record.release}`;
  const place = target === undefined ? 'the target' : target.wish;
  const start = `The machine would start ${kernel} in ${formatBytes(kexec.reservedBytes ?? 0)} of reserved memory and save the log`;
  if (estimate === undefined) return [`${start} and the memory to ${place}.`];
  const room = target?.space === undefined ? undefined : target.space.freeBytes;
  const fits = room === undefined || room >= estimate.dumpBytes;
  const dump = fits ? `then about ${formatBytes(estimate.dumpBytes)} of memory` : 'then as much of the memory as there is room for';
  return [`${start}, ${dump}, to ${place}.`, `That takes about ${formatSeconds(estimate.seconds)}.`];
}

function end({ configuration: { finalAction, failureAction } }: StatusFacts): string {
  const verbs = {
    reboot: 'reboots',
    halt: 'halts',
    poweroff: 'powers off',
    shell: 'waits in a shell',
    dump_to_rootfs: 'saves to the root file system',
  };
  if (finalAction === failureAction) return `Then the machine ${verbs[finalAction]}, also when saving fails.`;
  return `Then the machine ${verbs[finalAction]}; when saving fails it ${verbs[failureAction]}.`;
}

function whatIsLost({ kexec, panicSeconds }: StatusFacts, failed: readonly Check[]): readonly string[] {
  const why = `Nothing would be saved: ${failed[0].text}.`;
  if (kexec.loaded)
    return [why, 'The capture kernel would start, find no way to save anything, print the end of the log on the console and reboot.'];
  if (panicSeconds === undefined) return [why];
  if (panicSeconds === 0) return [why, 'The machine would stand still until someone resets it.'];
  return [why, panicSeconds < 0 ? 'The machine would reboot at once.' : `The machine would reboot after ${panicSeconds} s.`];
}

export function formatSeconds(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${(seconds / 3600).toFixed(1)} hours`;
}
