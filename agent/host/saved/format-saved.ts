/** Captures for people: the list, and one of them in words. Everything that comes from a disk goes through `printable`. */
import { printable } from '../../binary/printable.ts';
import { formatBytes } from '../../binary/units.ts';
import type { DebugKernel } from './debug-kernel.ts';
import type { SavedDump, SavedStatus } from './saved-dump.ts';
import type { Verdict } from './verify.ts';

const statusWords: Readonly<Record<SavedStatus, string>> = {
  complete: 'complete',
  partial: 'PARTIAL',
  'dmesg-only': 'log only',
  failed: 'FAILED',
  interrupted: 'INTERRUPTED',
  empty: 'empty',
};

/** A table, oldest first. */
export function formatSavedList(saved: readonly SavedDump[]): string {
  const rows = saved.map((dump) => [
    dump.time,
    statusWords[dump.status],
    formatBytes(dump.sizeBytes),
    printable(dump.host ?? '-', 40),
    printable(dump.release ?? '-', 40),
    printable(dump.folder),
    ...(dump.panic === undefined ? [] : [printable(dump.panic, 110)]),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column].length), 0));
  const lines = rows.map(([time, status, size, host, release, folder, panic]) => {
    const cells = [time, status.padEnd(widths[1]), size.padStart(widths[2]), host.padEnd(widths[3]), release.padEnd(widths[4]), folder];
    return cells.join('  ') + (panic === undefined ? '' : `\n    ${panic}`);
  });
  return lines.map((line) => `${line}\n`).join('');
}

export type ShownParts = {
  readonly debugKernel: DebugKernel;
  readonly verdicts: readonly Verdict[] | undefined;
  /** Lines of the log, not yet safe to print. */
  readonly logEnd: readonly string[];
};

/** One capture: what it is, what was lost, how to open it, and the end of the log. */
export function formatSaved(dump: SavedDump, parts: ShownParts): string {
  return [
    ...headLines(dump),
    ...fileLines(dump, parts.verdicts),
    ...lossLines(dump),
    ...openingLines(dump, parts.debugKernel),
    ...(parts.logEnd.length === 0 ? [] : ['', 'The log', ...parts.logEnd.map((line) => `  ${printable(line, 300)}`)]),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function headLines(dump: SavedDump): readonly string[] {
  const { manifest } = dump;
  const row = (name: string, value: string | undefined) => (value === undefined ? [] : [`${name.padEnd(10)}${printable(value)}`]);
  return [
    ...row('folder', dump.folder),
    ...row('status', statusSentence(dump)),
    ...row('host', dump.host),
    ...row('kernel', dump.release),
    ...row('crashed', manifest?.crashedAt),
    ...row(
      'captured',
      manifest === undefined ? `${dump.time} (by the clock of the capture)` : `${manifest.startedAt} to ${manifest.finishedAt}`,
    ),
    ...(manifest?.clockTrusted === false ? ['          The clock of the capture kernel may have been wrong.'] : []),
    ...row('panic', dump.panic),
    ...row('saved by', manifest === undefined ? dump.layout : `kcapture ${manifest.kcapture.version} (${manifest.kcapture.commit})`),
    ...row('memory', manifest?.dump === undefined ? undefined : dumpSentence(manifest.dump)),
    ...row('took', manifest === undefined ? undefined : durations(manifest.elapsedMs)),
  ];
}

function statusSentence(dump: SavedDump): string {
  const sentences: Readonly<Record<SavedStatus, string>> = {
    complete: 'complete: log and memory are whole',
    partial: 'PARTIAL: the memory ended early; what is there can be read',
    'dmesg-only': 'log only: no memory was saved',
    failed: 'FAILED: neither log nor memory was saved',
    interrupted: 'INTERRUPTED: the capture did not come to its end; what is there may be cut off',
    empty: 'empty: nothing was saved',
  };
  return sentences[dump.status];
}

function dumpSentence(dump: NonNullable<NonNullable<SavedDump['manifest']>['dump']>): string {
  const kept = dump.pages.kept + dump.pages.zero;
  const total = dump.pages.original;
  return `level ${dump.level}, ${dump.codec}: ${formatBytes(kept * dump.pageSize)} kept of ${formatBytes(total * dump.pageSize)}, ${formatBytes(dump.writtenBytes)} written`;
}

function durations(elapsedMs: Readonly<Record<string, number>>): string {
  return Object.entries(elapsedMs)
    .map(([stage, ms]) => `${stage} ${(ms / 1000).toFixed(1)} s`)
    .join(', ');
}

function fileLines(dump: SavedDump, verdicts: readonly Verdict[] | undefined): readonly string[] {
  const words = { same: 'as saved', changed: 'CHANGED', missing: 'MISSING', unreadable: 'cannot be read', unknown: 'no checksum' } as const;
  const verdictOf = (name: string) => verdicts?.find((verdict) => verdict.name === name)?.result;
  const width = Math.max(...dump.files.map(({ name }) => printable(name, 60).length), 0);
  return dump.files.map(({ name, sizeBytes, unfinished }) => {
    const result = verdictOf(name);
    const remarks = [unfinished ? 'not finished' : '', result === undefined ? '' : words[result]].filter((word) => word !== '');
    return `  ${printable(name, 60).padEnd(width)}  ${formatBytes(sizeBytes).padStart(9)}${remarks.length === 0 ? '' : `  ${remarks.join(', ')}`}`;
  });
}

function lossLines(dump: SavedDump): readonly string[] {
  const section = (title: string, sentences: readonly string[]) =>
    sentences.length === 0 ? [] : [title, ...sentences.map((text) => `  ${printable(text)}`)];
  const { manifest } = dump;
  return [
    ...section('Lost', manifest?.lost ?? []),
    ...section('Targets that failed before', manifest?.failedTargets.map(({ target, why }) => `${target}: ${why}`) ?? []),
    ...section('Warnings', manifest?.warnings ?? []),
    ...section('Does not fit', dump.problems),
  ];
}

function openingLines(dump: SavedDump, kernel: DebugKernel): readonly string[] {
  if (dump.vmcore === undefined) return [];
  const vmcore = `${dump.folder}/${dump.vmcore}`;
  const flattened = /\.flat(-incomplete)?$/.test(dump.vmcore) || dump.layout === 'debian' || dump.layout === 'suse';
  const path = shellWord(vmcore);
  return [
    'How to open it',
    ...(flattened ? [`  kcapture rearrange ${path} vmcore   if crash does not take it as it is`] : []),
    `  crash ${kernel.path === undefined ? 'vmlinux' : shellWord(kernel.path)} ${path}`,
    `  drgn -c ${path}${kernel.path === undefined ? '' : ` -s ${shellWord(kernel.path)}`}`,
    ...(kernel.advice === undefined ? [] : [`  ${printable(kernel.advice)}`]),
  ];
}

/** For copying into a shell: quoted when it must be, and never with characters that a terminal would obey. */
function shellWord(text: string): string {
  const shown = printable(text, 4096);
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", `'\\''`)}'`;
}
