/** What a capture would do, in words, with what there is now. Nothing is opened, mounted or written. */
import { formatBytes } from '../binary/units.ts';
import { isOnNetwork } from '../config/armed-plan.ts';
import { describeDumpLevel } from '../config/dump-level.ts';
import { memoryLimit } from '../dump/memory-limit.ts';
import { type Kernel, openKernel } from '../dump/open-kernel.ts';
import { silentProgress } from '../dump/progress.ts';
import { selectPages } from '../dump/select-pages.ts';
import { findDevice } from '../linux/find-device.ts';
import type { System } from '../sys/system.ts';
import type { CaptureTarget } from '../target/open-target.ts';
import { asKcaptureError } from './capture-error.ts';
import type { CaptureSettings } from './settings.ts';

/** Lines of text. */
export function describeRun(system: System, settings: CaptureSettings): string {
  const { configuration, plan, targets, problems, mode } = settings;
  const lines = [
    ['memory', describeSource(system, settings)],
    [
      'settings',
      `${configuration.source ?? 'defaults'}${plan === undefined ? ', no plan' : `, plan of ${plan.builtAt} for Linux ${plan.kernelRelease}`}`,
    ],
    ['modules', plan === undefined ? 'none' : `${plan.modules.length}, loaded in the order of the plan`],
    ...targets.flatMap((target, index) => describeTarget(system, target, index)),
    ['dump', mode === 'dmesg-only' ? 'the log alone' : describeCollector(settings)],
    ['before', settings.hooks ? configuration.preHooks.join(', ') || 'nothing' : 'no hooks'],
    ['after', settings.hooks ? configuration.postHooks.join(', ') || 'nothing' : 'no hooks'],
    [
      'time limit',
      configuration.timeLimitSeconds === undefined ? 'none: it ends when nothing moves' : `${configuration.timeLimitSeconds} s`,
    ],
    ['to stay free', formatBytes(configuration.minFreeBytes)],
    ['old dumps', describeKeep(settings)],
    [
      'at the end',
      settings.unattended ? `${configuration.finalAction}; after a failure ${configuration.failureAction}` : 'nothing: by hand',
    ],
    ...problems.map((problem) => ['problem', problem]),
  ];
  return `${lines.map(([name, text]) => `${name.padEnd(13)}${text}`).join('\n')}\n`;
}

function describeSource(system: System, { source, configuration, mode }: CaptureSettings): string {
  if (!system.exists(source)) return `${source} is not here: there is no crash to capture`;
  try {
    const kernel = openKernel(system, [source], { mmap: mode === 'full' });
    try {
      const release = kernel.info.plain('OSRELEASE') ?? 'unknown';
      const level = configuration.collector.kind === 'own' ? configuration.collector.levels[0] : 31;
      return `${source}: Linux ${release}, ${estimate(() => countKept(kernel, level, memoryLimit(system, configuration.memoryLimitBytes)) * kernel.memory.pageSize)}`;
    } finally {
      kernel.memory.close();
    }
  } catch (error) {
    return `${source}: ${asKcaptureError(error).message}`;
  }
}

function countKept(kernel: Kernel, level: number, limitBytes: number): number {
  const selection = selectPages(kernel, level, silentProgress, { windowPages: limitBytes * 8 });
  for (const _ of selection.kept.windows());
  selection.close();
  return selection.counts.kept;
}

function estimate(keptBytes: () => number): string {
  try {
    return `at most ${formatBytes(keptBytes())} to save before compression`;
  } catch (error) {
    return `its pages cannot be told apart: ${asKcaptureError(error).message}`;
  }
}

function describeTarget(system: System, target: CaptureTarget, index: number): string[][] {
  const name = `target ${index + 1}`;
  if (target.kind === 'unsupported') return [[name, `${target.wish}: ${target.why}`]];
  if (target.kind === 'folder') return [[name, `${target.folder}${freeSpace(system, target.folder)}`]];
  if (isOnNetwork(target)) return [[name, target.wish]];
  const device = findDevice(system, target.device);
  const found = device ?? 'not there now';
  if (target.kind === 'raw') return [[name, `raw ${target.device} (${found})`]];
  const mountPoint = device === undefined ? undefined : findMount(system, device);
  const mounted = mountPoint === undefined ? 'to be mounted' : `mounted on ${mountPoint} now${freeSpace(system, mountPoint)}`;
  const layers = target.layers.map(({ kind }) => kind);
  const below = layers.length === 0 ? '' : `, through ${layers.join(', ')}`;
  return [[name, `${target.fsType} ${target.device} (${found}, ${mounted}${below}), folder ${target.folder}`]];
}

function freeSpace({ files }: System, path: string): string {
  try {
    return `, ${formatBytes(files.space(path).freeBytes)} free`;
  } catch {
    return ', to be made';
  }
}

/** @source proc(5), /proc/mounts: blanks in names are written as octal numbers */
function findMount({ files }: System, device: string): string | undefined {
  const lines = (files.readTextIfThere('/proc/mounts') ?? '').split('\n').map((line) => line.split(' '));
  const real = files.realPath(device);
  return lines.find(([source]) => source === device || (source.startsWith('/dev/') && files.realPath(source) === real))?.[1];
}

function describeCollector({ configuration: { collector } }: CaptureSettings): string {
  if (collector.kind === 'program') return collector.argv.join(' ');
  const levels = collector.levels.map((level) => `${level} (leaves out ${describeDumpLevel(level)})`).join(', then ');
  return `${collector.format}, ${collector.codec ?? 'uncompressed'}, level ${levels}`;
}

function describeKeep({ configuration: { keep } }: CaptureSettings): string {
  const words: string[] = [];
  if (keep.count !== undefined) words.push(`the newest ${keep.count}`);
  if (keep.totalBytes !== undefined) words.push(`${formatBytes(keep.totalBytes)} of them`);
  if (keep.ageSeconds !== undefined) words.push(`those of ${keep.ageSeconds} s`);
  return words.length === 0 ? 'all stay' : `${words.join(' and ')} stay`;
}
