/** What makedumpfile prints, in its own words and order, because scripts read it. */
import { createThrottledProgress, type Progress } from '../dump/progress.ts';
import type { DumpResult } from '../dump/dump.ts';
import type { PageCounts } from '../classify/page-kind.ts';
import type { System } from '../sys/system.ts';
import { type MakedumpfileOptions, messageBits } from '../config/makedumpfile-options.ts';

export type Messages = {
  readonly common: (text: string) => void;
  readonly error: (text: string) => void;
  readonly debug: (text: string) => void;
  readonly report: (text: string) => void;
  readonly progress: Progress;
};

/** With -F everything goes to standard error: standard output is the dump. */
export function createMessages(system: System, { messageLevel, flattened }: MakedumpfileOptions): Messages {
  const out = flattened ? system.printError.bind(system) : system.print.bind(system);
  const when = (bit: number, print: (text: string) => void) => (messageLevel & bit ? print : () => {});
  return {
    common: when(messageBits.common, out),
    error: when(messageBits.error, system.printError.bind(system)),
    debug: when(messageBits.debug, out),
    report: when(messageBits.report, out),
    progress: createSteps(system, when(messageBits.progress, out)),
  };
}

const stepNames: Record<string, string> = {
  filtering: 'Excluding unnecessary pages',
  'zero scan': 'Excluding zero pages',
  copying: 'Copying data',
};

const intervalMs = 1000;

/** A line a second at most: `Copying data                     : [ 42.0 %]`. */
function createSteps(system: System, print: (text: string) => void): Progress {
  let name = '';
  const throttled = createThrottledProgress(system, intervalMs, (done, total) => {
    const promille = done === total ? 1000 : Math.floor((done * 1000) / Math.max(1, total));
    const text = `${name.padEnd(50)}: [${String(Math.floor(promille / 10)).padStart(3)}.${promille % 10} %]`;
    print(system.errorIsTerminal ? `\r${text}` : `${text}\n`);
  });
  return {
    start(step, total, unitBytes) {
      name = stepNames[step] ?? step;
      throttled.start(step, total, unitBytes);
    },
    update: throttled.update,
    end() {
      throttled.end();
      if (system.errorIsTerminal) print('\n');
    },
  };
}

const hexCount = (pages: number) => `0x${pages.toString(16).padStart(16, '0')}`;

function excludedPages(pages: PageCounts): number {
  return pages.original - pages.kept;
}

/** The report of --show-stats. `elfExcluded`: pages an ELF dump leaves out, fewer because short runs stay. */
export function reportText({ pages, endPfn, writtenBytes, format, elfExcludedPages }: DumpResult): string {
  const excluded = excludedPages(pages);
  const finallyExcluded = format === 'elf' ? (elfExcludedPages ?? excluded) : excluded;
  const lines = ['', `Original pages  : ${hexCount(pages.original)}`, `  Excluded pages   : ${hexCount(excluded)}`];
  if (format === 'elf') lines.push(`     in ELF format : ${hexCount(finallyExcluded)}`);
  lines.push(
    `    Pages filled with zero  : ${hexCount(pages.zero)}`,
    `    Non-private cache pages : ${hexCount(pages.cache)}`,
    `    Private cache pages     : ${hexCount(pages.cachePrivate)}`,
    `    User process data pages : ${hexCount(pages.user)}`,
    `    Free pages              : ${hexCount(pages.free)}`,
    `    Hwpoison pages          : ${hexCount(pages.hwpoison)}`,
    `    Offline pages           : ${hexCount(pages.offline)}`,
    `  Remaining pages  : ${hexCount(pages.original - excluded)}`,
  );
  if (format === 'elf') lines.push(`     in ELF format : ${hexCount(pages.original - finallyExcluded)}`);
  if (pages.original > 0) {
    lines.push(`  (The number of pages is reduced to ${Math.floor(((pages.original - finallyExcluded) * 100) / pages.original)}%.)`);
  }
  lines.push(
    `Memory Hole     : ${hexCount(pages.hole)}`,
    '-'.repeat(50),
    `Total pages     : ${hexCount(endPfn)}`,
    `Write bytes     : ${writtenBytes}`,
  );
  return `${lines.join('\n')}\n\n`;
}

/** The table of --mem-usage. */
export function memoryUsageText(pages: PageCounts, pageSize: number): string {
  const row = (type: string, count: number, excludable: string, description: string) =>
    `${type}\t${type.length < 8 ? '\t' : ''}${String(count).padEnd(16)}\t${excludable}\t\t${description}`;
  const lines = [
    '',
    'TYPE\t\tPAGES\t\t\tEXCLUDABLE\tDESCRIPTION',
    '-'.repeat(70),
    row('ZERO', pages.zero, 'yes', 'Pages filled with zero'),
    row('NON_PRI_CACHE', pages.cache, 'yes', 'Cache pages without private flag'),
    row('PRI_CACHE', pages.cachePrivate, 'yes', 'Cache pages with private flag'),
    row('USER', pages.user, 'yes', 'User process pages'),
    row('FREE', pages.free, 'yes', 'Free pages'),
    row('KERN_DATA', pages.original - excludedPages(pages), 'no', 'Dumpable kernel data '),
    '',
    `page size:\t\t${String(pageSize).padEnd(16)}`,
    `Total pages on system:\t${String(pages.original).padEnd(16)}`,
    `Total size on system:\t${String(pages.original * pageSize).padEnd(16)} Byte`,
  ];
  return `${lines.join('\n')}\n`;
}
