/** An inspection as lines for a person. Texts from the dump are shown without control characters: a terminal obeys those. */
import { formatBytes } from '../binary/units.ts';
import type { ArchiveMember } from '../vmcore/dump-archive.ts';
import type { Inspection } from './inspection.ts';

const labelWidth = 13;
const shownFrames = 12;
const shownMembers = 10;

/** What each bit of a dump level leaves out. */
const levelBits: readonly (readonly [bit: number, name: string])[] = [
  [1, 'zero pages'],
  [2, 'page cache'],
  [4, 'private page cache'],
  [8, 'user data'],
  [16, 'free pages'],
];

type Row = readonly [label: string, ...texts: (string | undefined)[]];

/** Ends with a line feed. */
export function formatInspection(inspection: Inspection): string {
  const state = inspection.complete ? 'complete' : 'INCOMPLETE';
  const head = `${inspection.path}\n${inspection.description}, ${state}, ${formatBytes(inspection.sizeBytes)}`;
  const groups = [kernelRows(inspection), panicRows(inspection), pageRows(inspection), archiveRows(inspection), troubleRows(inspection)];
  const texts = [head, ...groups.map(formatRows).filter((text) => text !== '')];
  return `${texts.join('\n\n')}\n`.replace(/[^\n\P{Cc}]/gu, '?');
}

/** Rows without a text are left out; further texts of a row stand below the first. */
function formatRows(rows: readonly Row[]): string {
  return rows
    .flatMap(([label, ...texts]) => {
      const shown = texts.filter((text) => text !== undefined && text !== '');
      return shown.map((text, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}${text?.replaceAll('\n', ' ')}`);
    })
    .join('\n');
}

function kernelRows({ kernel, machine, cpus, pageSize }: Inspection): Row[] {
  const counts = [
    cpus === undefined || cpus <= 0 ? '' : `${cpus} CPU${cpus === 1 ? '' : 's'}`,
    pageSize === undefined ? '' : `pages of ${formatBytes(pageSize)}`,
  ];
  return [
    ['Kernel', [kernel.release, machine].filter(Boolean).join('  ')],
    ['Version', kernel.version],
    ['Host', kernel.nodename],
    ['Machine', counts.filter(Boolean).join(', ')],
    ['Crashed', kernel.crashTime],
  ];
}

function panicRows({ panic }: Inspection): Row[] {
  if (panic === undefined) return [];
  const { comm, pid, cpu } = panic;
  // Frames with a question mark are leftovers on the stack as likely as callers.
  const sure = panic.trace.filter((frame) => !frame.startsWith('? '));
  const more = sure.length > shownFrames ? [`… ${sure.length - shownFrames} more`] : [];
  return [
    ['Panic', panic.line, panic.panicLine],
    ['Process', comm === undefined ? undefined : `${comm}, PID ${pid}, CPU ${cpu}`],
    ['At', panic.instruction],
    ['Tainted', panic.tainted],
    ['Hardware', panic.hardware],
    ['Called from', ...sure.slice(0, shownFrames), ...more],
  ];
}

function pageRows({ pages, stored, dumpLevel, split, pageSize = 4096 }: Inspection): Row[] {
  const rows: Row[] = [];
  if (pages !== undefined) {
    const widths = Math.max(...Object.values(pages).map((count) => formatCount(count).length));
    const line = (count: number, what: string) => `${formatCount(count).padStart(widths)}  ${what} (${formatBytes(count * pageSize)})`;
    const missing = line(pages.missing, split === undefined ? 'missing' : 'in other parts');
    rows.push(['Pages', line(pages.existing, 'on the machine'), line(pages.kept, split === undefined ? 'kept' : 'kept in this part')]);
    rows.push(['', line(pages.excluded, 'left out'), pages.missing > 0 ? missing : undefined]);
  }
  if (stored !== undefined) {
    const { sharedZero, lost, ...codecs } = stored;
    const named = Object.entries({ ...codecs, 'zero, shared': sharedZero, lost }).filter(([, count]) => count > 0);
    rows.push(['Stored', named.map(([name, count]) => `${formatCount(count)} ${name}`).join(' · ')]);
  }
  if (dumpLevel !== undefined) rows.push(['Dump level', describeLevel(dumpLevel)]);
  if (split !== undefined) rows.push(['Part', `page frames ${formatCount(split.startPfn)} to ${formatCount(split.endPfn)}`]);
  return rows;
}

function describeLevel(level: number): string {
  const names = levelBits.filter(([bit]) => (level & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? `${level}: everything is kept` : `${level}: without ${names.join(', ')}`;
}

function archiveRows({ archive }: Inspection): Row[] {
  if (archive === undefined) return [];
  const { member, others } = archive;
  const more = others.length > shownMembers ? [`… ${others.length - shownMembers} more`] : [];
  return [
    ['Archive', `${archive.path}`],
    ['Member', describeMember(member)],
    ['Others', ...others.slice(0, shownMembers).map(describeMember), ...more],
  ];
}

function describeMember({ name, sizeBytes, packedBytes, method, encrypted, isDump }: ArchiveMember): string {
  const packing = encrypted ? 'encrypted' : method === 'deflated' ? `deflated to ${formatBytes(packedBytes)}` : method;
  return `${name}  ${formatBytes(sizeBytes)}, ${packing}${isDump ? ', a dump' : ''}`;
}

function troubleRows({ problems, warnings }: Inspection): Row[] {
  return [
    ['Problems', ...problems],
    ['Warnings', ...warnings],
  ];
}

/** 1,234,567 whatever the locale. */
function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
