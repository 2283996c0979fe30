/**
 * The effective configuration in its own grammar: every directive with the value that holds.
 *
 * Reading what this writes gives the same configuration. It holds secrets: `redact` it before it is shown.
 */
import { formatCodec } from './codec-choice.ts';
import type { Configuration, Keep } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import { writeValue } from './grammar.ts';
import { formatDuration, formatSize } from './quantity.ts';
import { formatTarget } from './target-wish.ts';
import { joinWords } from './words.ts';

/** One line a directive; what nobody said is left out, unless something holds all the same: that is marked as the default. */
export function formatConfiguration(configuration: Configuration): string {
  const byDefault = new Set(listDirectives({ ...defaultConfiguration, source: configuration.source }));
  return listDirectives(configuration)
    .map((line) => `${line}${byDefault.has(line) ? '  # default' : ''}\n`)
    .join('');
}

function listDirectives(configuration: Configuration): string[] {
  const { targets, path, keep, loopLimit, commandLine } = configuration;
  const lines: [name: string, ...values: (string | undefined)[]][] = [
    ['path', joinWords([path])],
    ['sshkey', quoted(configuration.sshKey)],
    ...collectorLines(configuration.collector),
    ['memory_limit', configuration.memoryLimitBytes === undefined ? 'auto' : formatSize(configuration.memoryLimitBytes)],
    ['dmesg_only_below', formatRoom(configuration.dmesgOnlyBelowBytes)],
    ['min_free', formatSize(configuration.minFreeBytes)],
    ['time_limit', configuration.timeLimitSeconds === undefined ? 'none' : formatDuration(configuration.timeLimitSeconds)],
    ['device_timeout', formatDuration(configuration.deviceTimeoutSeconds)],
    ['stall_limit', formatDuration(configuration.stallLimitSeconds)],
    ['retry_limit', formatDuration(configuration.retryLimitSeconds)],
    ['keep', formatKeep(keep)],
    ['kdump_pre', ...configuration.preHooks.map(quoted)],
    ['kdump_post', ...configuration.postHooks.map(quoted)],
    ['kdump_emergency', ...configuration.emergencyHooks.map(quoted)],
    ['hook_timeout', formatDuration(configuration.hookTimeoutSeconds)],
    ['failure_action', configuration.failureAction],
    ['final_action', configuration.finalAction],
    ['loop_limit', loopLimit.captures === 0 ? 'none' : `${loopLimit.captures} in ${formatDuration(loopLimit.windowSeconds)}`],
    ['notify', ...configuration.notify.map(writeValue)],
    ['extra_bins', someWords(configuration.extraPrograms)],
    ['extra_modules', someWords(configuration.extraModules)],
    ['generator', configuration.generator],
    ['dracut_args', someWords(configuration.dracutArguments)],
    ['force_rebuild', configuration.forceRebuild ? '1' : '0'],
    ['force_no_rebuild', configuration.forceNoRebuild ? '1' : '0'],
    ['kernel', quoted(configuration.kernel)],
    ['cmdline', commandLine.replace === undefined ? undefined : writeValue(commandLine.replace)],
    ['cmdline_remove', someWords(commandLine.remove)],
    ['cmdline_append', ...appendLines(commandLine.append)],
    ['auto_reset_crashkernel', configuration.autoResetCrashkernel ? 'yes' : 'no'],
    ['fence_kdump_nodes', someWords(configuration.fenceKdumpNodes)],
    ['fence_kdump_args', someWords(configuration.fenceKdumpArguments)],
  ];
  const settings = lines.flatMap(([name, ...values]) => values.flatMap((value) => (value === undefined ? [] : [`${name} ${value}`])));
  return [...targets.filter(({ kind }) => kind !== 'root').map(formatTarget), ...settings];
}

function collectorLines(collector: Configuration['collector']): [string, string][] {
  if (collector.kind === 'program') return [['core_collector', joinWords(collector.argv)]];
  const shape: [string, string][] =
    collector.format === 'elf' ? [['core_collector', 'kcapture dump -E']] : [['compress', formatCodec(collector)]];
  return [...shape, ['level', collector.levels.join(',')], ['threads', collector.threads === 0 ? 'all' : `${collector.threads}`]];
}

function formatRoom(bytes: number | undefined): string {
  return bytes === undefined ? 'never' : bytes === Number.MAX_SAFE_INTEGER ? 'always' : formatSize(bytes);
}

/** `5 20G 30d`, or `all`. An age is said in hours at least: its minutes would be read as a size. */
export function formatKeep({ count, totalBytes, ageSeconds }: Keep): string {
  const age =
    ageSeconds === undefined ? undefined : ageSeconds % 86400 === 0 ? `${ageSeconds / 86400}d` : `${Math.ceil(ageSeconds / 3600)}h`;
  const words = [count?.toString(), totalBytes === undefined ? undefined : formatSize(totalBytes), age].filter(
    (word) => word !== undefined,
  );
  return words.length === 0 ? 'all' : words.join(' ');
}

function quoted(word: string | undefined): string | undefined {
  return word === undefined ? undefined : joinWords([word]);
}

function someWords(words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : joinWords(words);
}

/** One line, or one for each word where lines were joined that no quotes hold together. */
function appendLines(text: string | undefined): (string | undefined)[] {
  if (text === undefined) return [];
  const whole = writeValue(text);
  return whole === undefined ? (text.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map(writeValue) : [whole];
}
