/** What a configuration means, in words, for the one who wrote it. Holds no secrets. */
import { formatBytes } from '../binary/units.ts';
import type { Configuration, FailureAction, TargetWish } from './configuration.ts';
import { describeDumpLevel } from './dump-level.ts';
import { formatKeep } from './format-configuration.ts';
import { formatDuration } from './quantity.ts';
import { redact } from './redact.ts';
import { formatRemoteUrl } from './remote-url.ts';
import { formatTarget, needsNetwork } from './target-wish.ts';
import { listed } from './values.ts';

/** Sentences, one a line, in the order in which things happen. */
export function describeConfiguration(configuration: Configuration): string {
  const sentences = [
    ...describeTargets(configuration),
    describeCollector(configuration),
    ...describeLimits(configuration),
    ...describeHooks(configuration),
    ...describeNotices(configuration),
    describeEnd(configuration),
    describeImage(configuration),
  ];
  return sentences.map((sentence) => `${redact(sentence)}\n`).join('');
}

function describeTargets(configuration: Configuration): string[] {
  const { targets, path } = configuration;
  const places = targets.map((target) => describeTarget(target, path));
  const first =
    places.length === 1
      ? [`A dump goes to ${places[0]}.`]
      : ['A dump goes to the first of these that takes it:', ...places.map((place, i) => `  ${i + 1}. ${place}`)];
  return [...first, ...describeWaits(configuration)];
}

function describeTarget(target: TargetWish, path: string): string {
  if (target.kind === 'root') return `${path} on the running system, wherever that is mounted`;
  if (target.kind === 'raw') return `the block device ${target.device} itself, overwriting it`;
  if (target.kind !== 'remote') return `${path} inside ${formatTarget(target)}`;
  const { place } = target;
  return place.kind === 'ssh' ? `${place.path ?? path} on ${place.host}, by ssh as ${place.user}` : formatRemoteUrl(place);
}

function describeWaits({ targets, deviceTimeoutSeconds, stallLimitSeconds, retryLimitSeconds }: Configuration): string[] {
  const appears = `A target may take ${formatDuration(deviceTimeoutSeconds)} to appear.`;
  const answers = `A server that takes nothing for ${formatDuration(stallLimitSeconds)} counts as gone, and is tried again for ${formatDuration(retryLimitSeconds)}.`;
  return targets.some(needsNetwork) ? [appears, answers] : [appears];
}

function describeCollector({ collector }: Configuration): string {
  if (collector.kind === 'program') return `The dump is made by ${collector.argv.join(' ')}.`;
  const { levels, codec, codecLevel, format, threads } = collector;
  const left = levels.map((level) => `${level} (without ${describeDumpLevel(level)})`).join(', else ');
  const packed =
    format === 'elf'
      ? 'uncompressed, as ELF'
      : codec === undefined
        ? 'uncompressed'
        : `compressed by ${codec}${codecLevel === undefined ? '' : ` ${codecLevel}`}`;
  const by = format === 'elf' || codec === undefined ? '' : ` in ${threads === 0 ? 'one thread for each CPU' : `${threads} threads`}`;
  return `The kernel's log is saved first, then memory at dump level ${left}, ${packed}${by}.`;
}

function describeLimits({ dmesgOnlyBelowBytes, minFreeBytes, timeLimitSeconds, keep }: Configuration): string[] {
  const room =
    dmesgOnlyBelowBytes === undefined
      ? []
      : dmesgOnlyBelowBytes === Number.MAX_SAFE_INTEGER
        ? ["Only the kernel's log is saved, no memory."]
        : [`With less than ${formatBytes(dmesgOnlyBelowBytes)} free only the log is saved.`];
  const time =
    timeLimitSeconds === undefined
      ? 'It may take as long as there is progress.'
      : `It may take ${formatDuration(timeLimitSeconds)} in all.`;
  return [...room, `${formatBytes(minFreeBytes)} stay free on the target.`, time, describeKeep(keep)];
}

function describeKeep(keep: Configuration['keep']): string {
  const { count, totalBytes, ageSeconds } = keep;
  const limits: string[] = [];
  if (count !== undefined) limits.push(`more than ${count}`);
  if (totalBytes !== undefined) limits.push(`more than ${formatBytes(totalBytes)}`);
  if (ageSeconds !== undefined) limits.push(`any older than ${formatKeep({ ageSeconds })}`);
  return limits.length === 0
    ? 'Old dumps are never deleted.'
    : `When it is safe, old dumps are deleted, the oldest first, while there are ${listed(limits)}.`;
}

function describeHooks({ preHooks, postHooks, emergencyHooks, hookTimeoutSeconds }: Configuration): string[] {
  const all = [
    ...preHooks.map((path) => `${path} before`),
    ...postHooks.map((path) => `${path} after`),
    ...emergencyHooks.map((path) => `${path} on failure`),
  ];
  return all.length === 0 ? [] : [`Programs run: ${all.join(', ')}; each may take ${formatDuration(hookTimeoutSeconds)}.`];
}

function describeNotices({ notify, fenceKdumpNodes }: Configuration): string[] {
  const nodes = fenceKdumpNodes.length === 0 ? [] : [`These nodes are told not to fence this one: ${fenceKdumpNodes.join(', ')}.`];
  return notify.length === 0 ? nodes : [`Told about it: ${notify.join(', ')}.`, ...nodes];
}

const afterFailure: Record<FailureAction, string> = {
  reboot: 'the machine reboots',
  halt: 'the machine halts',
  poweroff: 'the machine powers off',
  shell: 'a shell opens on the console',
  dump_to_rootfs: "the machine's root file system is tried",
};

function describeEnd({ failureAction, finalAction, loopLimit }: Configuration): string {
  const failure = failureAction === finalAction ? '' : ` If nothing could be saved, ${afterFailure[failureAction]}.`;
  const loop =
    loopLimit.captures === 0
      ? ''
      : ` After ${loopLimit.captures} captures within ${formatDuration(loopLimit.windowSeconds)} only the log is saved.`;
  return `Then ${afterFailure[finalAction]}.${failure}${loop}`;
}

function describeImage({ generator, kernel, commandLine }: Configuration): string {
  const maker = { auto: "the system's generator or kcapture", dracut: 'dracut', mkinitcpio: 'mkinitcpio', own: 'kcapture' }[generator];
  const words = commandLine.replace === undefined ? '' : `, with the command line "${commandLine.replace}"`;
  const added = commandLine.append === undefined ? '' : `, with "${commandLine.append}" added to its command line`;
  return `The capture kernel is ${kernel ?? 'the running one'}${words}${added}; its image is made by ${maker}.`;
}
