/**
 * The main promise, on every kernel: the executable in the capture kernel filters and saves what makedumpfile would, and the log.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { command } from '../command.ts';
import type { Scenario, ScenarioContext } from '../scenario.ts';
import { checkDrgn, checkKeptPages } from '../verify/kept-pages.ts';
import { makedumpfileFor, newestMakedumpfile, type ReportedCounts, runMakedumpfile } from '../verify/makedumpfile.ts';
import { dumpOnHost, readDumpReport } from '../verify/our-dump.ts';
import { checkPageFilter } from '../verify/page-filter.ts';

/** Pages of each class the workload is sure to have made. */
const fewest: Partial<ReportedCounts> = {
  cache: 10_000,
  cachePrivate: 1_000,
  user: 20_000,
  free: 50_000,
  offline: 4_000,
  zero: 100,
  kept: 10_000,
};
/** Kernels built with memory-failure code. */
const poisoning = ['6.12', '7.2'];

export const filter: Scenario = {
  name: 'filter',
  kernels: ['5.10', '6.1', '6.12', '7.2'],
  async run(context) {
    const { kernel, checks, executable, folder } = context;
    const cycle = await context.crash({
      rawDiskMiB: 4096,
      steps: [
        { name: 'dmesg', run: '/exe/kcapture dmesg /proc/vmcore /disk/dmesg' },
        { name: 'dump', run: '/exe/kcapture dump -z -d 31 --json /proc/vmcore /disk/vmcore >/disk/vmcore.json' },
        { name: 'raw', run: 'copy_raw' },
      ],
    });
    const raw = cycle.rawVmcore!;
    const dump = cycle.extract('vmcore');
    const report = readDumpReport(cycle.extract('vmcore.json'));
    const witness = makedumpfileFor(kernel);

    for (const [name, least] of Object.entries(fewest)) {
      const pages = report.pages[name as keyof ReportedCounts];
      checks.ok(pages >= least, `the workload made ${name} pages real`, `found ${pages}, expected at least ${least}`);
    }
    if (poisoning.includes(kernel.name)) checks.ok(report.pages.hwpoison > 0, 'the workload made hwpoison pages real');

    checkPageFilter(checks, witness, 31, { path: dump, pages: report.pages }, raw, join(folder, 'witness'));
    for (const level of [2, 4, 8, 16]) checkLevel(context, level, raw);
    checkKeptPages(checks, dump, raw, 'level 31');
    checkDrgn(checks, dump, raw, dump, 'level 31');

    const again = join(folder, 'again');
    dumpOnHost(executable, ['-z', '-d', '31'], raw, again);
    checks.ok(readFileSync(again).equals(readFileSync(dump)), 'the dump made from the copied vmcore is the same file, byte for byte');
    checkLog(context, cycle.extract('dmesg'), raw);
    checks.note(
      `dump ${cycle.stepSeconds.get('dump')?.toFixed(1)} s in the capture kernel, ${report.writtenBytes} bytes, peak ${report.peakMemoryBytes} bytes`,
    );
  },
};

function checkLevel({ kernel, checks, executable, folder }: ScenarioContext, level: number, raw: string): void {
  const path = join(folder, `level-${level}`);
  const { pages } = dumpOnHost(executable, ['-l', '-d', `${level}`], raw, path);
  checkPageFilter(checks, makedumpfileFor(kernel), level, { path, pages }, raw, join(folder, 'witness'));
  command(['rm', path]);
}

function checkLog({ checks, folder }: ScenarioContext, ours: string, raw: string): void {
  const theirs = join(folder, 'witness.dmesg');
  runMakedumpfile(newestMakedumpfile(), ['--dump-dmesg'], raw, theirs);
  const text = readFileSync(ours);
  checks.ok(text.equals(readFileSync(theirs)), `the log is makedumpfile's byte for byte (${text.length} bytes)`);
  checks.ok(text.includes('Kernel panic - not syncing: sysrq triggered crash'), 'the log ends with the panic');
}
