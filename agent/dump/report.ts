/** A dump's result for people: the table by class and the summary. */
import { formatBytes } from '../binary/units.ts';
import { describeDumpLevel } from '../config/dump-level.ts';
import type { DumpResult } from './dump.ts';

type Row = readonly [name: string, pages: number, fate: 'kept' | 'shared' | 'dropped'];

/** The pages by class: kept or dropped, with bytes. */
export function formatStatistics({ pages, pageSize }: DumpResult): string {
  const rows: Row[] = [
    ['kernel and unknown', pages.kept, 'kept'],
    ['zero', pages.zero, 'shared'],
    ['page cache', pages.cache, 'dropped'],
    ['page cache with buffers', pages.cachePrivate, 'dropped'],
    ['user', pages.user, 'dropped'],
    ['free', pages.free, 'dropped'],
    ['broken (hwpoison)', pages.hwpoison, 'dropped'],
    ['offline', pages.offline, 'dropped'],
  ];
  const lines = rows.map(([name, count, fate]) => line(name, count, count * pageSize, count === 0 ? '' : fate));
  const rule = '-'.repeat(60);
  const total = line('in the source', pages.original, pages.original * pageSize, '');
  return `${['class'.padEnd(24) + 'pages'.padStart(12) + 'size'.padStart(12) + '  fate', rule, ...lines, rule, total].join('\n')}\n\n`;
}

function line(name: string, pages: number, bytes: number, fate: string): string {
  return `${name.padEnd(24)}${String(pages).padStart(12)}${formatBytes(bytes).padStart(12)}  ${fate}`.trimEnd();
}

/** What was written, how large, how fast; what went wrong. */
export function formatSummary(result: DumpResult): string {
  const { elapsedMs, pages, pageSize, stored } = result;
  const totalMs = elapsedMs.open + elapsedMs.filter + elapsedMs.copy + elapsedMs.finish;
  const lines = [
    `${result.complete ? 'saved' : 'INCOMPLETE'}      ${result.outputs.join(', ')}`,
    `kernel     ${result.release}`,
    `size       ${formatBytes(result.writtenBytes)} of ${formatBytes(pages.original * pageSize)} (${percent(result.writtenBytes, pages.original * pageSize)})`,
    `left out   ${describeDumpLevel(result.level)} (level ${result.level}); codec ${result.codec}${levelsUsed(result)}: ${stored.compressed} pages compressed, ${stored.raw} raw, ${stored.zero} zero`,
    `time       ${seconds(totalMs)}: filter ${seconds(elapsedMs.filter)}, copy ${seconds(elapsedMs.copy)}, finish ${seconds(elapsedMs.finish)}; peak memory ${formatBytes(result.peakMemoryBytes)}`,
  ];
  if (result.problem !== undefined) lines.push(`problem    ${result.problem}`);
  for (const warning of result.warnings) lines.push(`warning    ${warning}`);
  return `${lines.join('\n')}\n`;
}

/** ` at -1 (20 %), 3 (80 %)`: the share of pages at each level. */
function levelsUsed({ codecLevels = {} }: DumpResult): string {
  const pages = Object.values(codecLevels).reduce((sum, count) => sum + count, 0);
  const used = Object.entries(codecLevels).sort(([a], [b]) => Number(a) - Number(b));
  return used.length === 0 ? '' : ` at ${used.map(([level, count]) => `${level} (${percent(count, pages)})`).join(', ')}`;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((part * 100) / whole).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
