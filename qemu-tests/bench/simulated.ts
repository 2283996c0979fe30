/**
 * The benchmark of large machines: our executable alone, with the settings it has in the capture kernel, on machines that do not exist.
 *
 *     bun qemu-tests/bench/simulated.ts [--gib 1,64,1024,12288] [--runs N] [--memory-limit SIZE] [--executable PATH] [--cpu N] [--json]
 *
 * Each is a sparse vmcore in the cache folder while it is measured. It prints and never fails because of a time; it fails when a dump holds other pages
 * than the machine was built with. That of all sizes is kept in the cache for docs/performance.md.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { GiB, MiB } from '../../agent/binary/units.ts';
import { buildLargeMachine } from '../../agent/testing/build-large-machine.ts';
import { cacheFolder } from '../cache.ts';
import { captureSettings } from './capture-settings.ts';
import { measure, median, type Run } from './measure.ts';
import { simulatedFilterTarget, type SimulatedMemory, simulatedMemoryPath, simulatedPeakTarget } from './memory-sizes.ts';
import { ours } from './programs.ts';

/** GiB. */
const allSizes = '1,64,1024,12288';
const { values: options } = parseArgs({
  options: {
    gib: { type: 'string', default: allSizes },
    runs: { type: 'string', default: '3' },
    'memory-limit': { type: 'string', default: '4M' },
    executable: { type: 'string' },
    cpu: { type: 'string', default: '0' },
    json: { type: 'boolean', default: false },
  },
});

type Machine = SimulatedMemory['machines'][number] & { readonly scans: number; readonly outputBytes: number };

const TiB = 1024 * GiB;
const pageBytes = 4096;
/** How far the cost of a page at 12 TiB may be from that at 64 GiB. */
const constantTarget = 0.15;

const print = (line: string): void => void process.stdout.write(options.json ? '' : `${line}\n`);
const our = ours(options.executable);
const settings = captureSettings();
mkdirSync(cacheFolder, { recursive: true });
const folder = mkdtempSync(join(cacheFolder, 'simulated-'));
process.once('SIGINT', () => process.exit(130));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

print(`ours      ${our.version}`);
print(`settings  ${settings.join(' ')} --memory-limit ${options['memory-limit']}, one worker on CPU ${options.cpu}, level 31, zstd`);
print(`\n${columns('memory', 'pages', 'kept', 'scans', 'filter', 'a page', 'beyond 1st', 'whole dump', 'a TiB', 'peak', 'output')}`);
const machines: Machine[] = [];
for (const gib of options.gib.split(',').map(Number)) {
  const machine = measureMachine(gib, Number(options.runs));
  machines.push(machine);
  print(formatMachine(machine, machines[0]));
}
judge();
keep();

/** Medians, with the filter's time of one scan. @throws Error when the dump has other pages than the machine. */
function measureMachine(memoryGiB: number, runs: number): Machine {
  const vmcore = join(folder, 'vmcore');
  const output = join(folder, 'dump');
  const built = buildLargeMachine({ memoryGiB });
  let scans = 1;
  const readFilterSeconds = (stdout: string): number => {
    const { pages, windows, elapsedMs } = JSON.parse(stdout);
    if (JSON.stringify(pages) !== JSON.stringify(built.counts))
      throw new Error(`Cannot trust the dump of ${memoryGiB} GiB: ${JSON.stringify(pages)}, built with ${JSON.stringify(built.counts)}`);
    scans = windows === undefined ? 1 : 2;
    return elapsedMs.filter / 1000 / scans;
  };
  built.write(vmcore);
  try {
    const argv = [
      'env',
      ...settings,
      ...our.argv(['-d', '31', '--num-threads', '1', '--memory-limit', options['memory-limit']], vmcore, output),
    ];
    const results = Array.from({ length: runs }, () => measure({ argv, cpus: options.cpu, output, readFilterSeconds }));
    const run: Run = median(results);
    if (run.pages !== built.counts.kept + built.counts.zero) throw new Error(`Cannot trust the dump: it holds ${run.pages} pages`);
    const { filterSeconds, wallSeconds, peakBytes, outputBytes } = run;
    return {
      memoryBytes: built.counts.original * pageBytes,
      pageBytes,
      keptPages: run.pages,
      filterSeconds,
      wallSeconds,
      peakBytes,
      scans,
      outputBytes,
    };
  } finally {
    rmSync(vmcore);
  }
}

function nanosecondsAPage({ memoryBytes, filterSeconds }: Machine): number {
  return (filterSeconds * 1e9) / (memoryBytes / pageBytes);
}

/** Without what the smallest machine takes already, which is mostly starting. */
function nanosecondsBeyond(machine: Machine, smallest: Machine): number {
  const pages = (machine.memoryBytes - smallest.memoryBytes) / pageBytes;
  return pages === 0 ? Number.NaN : ((machine.filterSeconds - smallest.filterSeconds) * 1e9) / pages;
}

function formatMachine(machine: Machine, smallest: Machine): string {
  const { memoryBytes, keptPages, scans, filterSeconds, wallSeconds, peakBytes, outputBytes } = machine;
  const beyond = nanosecondsBeyond(machine, smallest);
  return columns(
    memoryBytes < TiB ? `${Math.round(memoryBytes / GiB)} GiB` : `${Math.round(memoryBytes / TiB)} TiB`,
    `${memoryBytes / pageBytes}`,
    `${keptPages}`,
    `${scans}`,
    `${filterSeconds.toFixed(3)} s`,
    `${nanosecondsAPage(machine).toFixed(2)} ns`,
    Number.isNaN(beyond) ? '' : `${beyond.toFixed(2)} ns`,
    `${wallSeconds.toFixed(2)} s`,
    `${((wallSeconds * TiB) / memoryBytes).toFixed(2)} s`,
    `${(peakBytes / MiB).toFixed(1)} MiB`,
    `${(outputBytes / MiB).toFixed(1)} MiB`,
  );
}

function columns(...cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(12)).join('');
}

function judge(): void {
  const at = (bytes: number) => machines.find(({ memoryBytes }) => Math.round(memoryBytes / GiB) === bytes / GiB);
  const [middle, largest] = [at(simulatedFilterTarget.memoryBytes), at(simulatedPeakTarget.memoryBytes)];
  const verdict = (name: string, found: string, wanted: string, isFine: boolean) =>
    print(`${name.padEnd(40)}${found.padStart(12)}  wanted ${wanted}  ${isFine ? 'ok' : 'over'}`);
  print('');
  if (middle !== undefined) {
    const cost = nanosecondsAPage(middle);
    verdict(
      'filter, a page at 64 GiB',
      `${cost.toFixed(2)} ns`,
      `${simulatedFilterTarget.nanoseconds} ns`,
      cost <= simulatedFilterTarget.nanoseconds,
    );
  }
  if (largest !== undefined) {
    verdict(
      'peak at 12 TiB',
      `${(largest.peakBytes / MiB).toFixed(1)} MiB`,
      `${simulatedPeakTarget.bytes / MiB} MiB`,
      largest.peakBytes <= simulatedPeakTarget.bytes,
    );
  }
  if (middle !== undefined && largest !== undefined) {
    const ratio = nanosecondsAPage(largest) / nanosecondsAPage(middle);
    verdict('filter, a page: 12 TiB to 64 GiB', ratio.toFixed(2), `within ${constantTarget}`, Math.abs(ratio - 1) <= constantTarget);
  }
}

function keep(): void {
  const command = `bun qemu-tests/bench/simulated.ts --gib ${options.gib} --runs ${options.runs} --memory-limit ${options['memory-limit']}`;
  const result: SimulatedMemory = { date: new Date().toISOString(), ours: our.version, command, machines };
  if (options.gib === allSizes) {
    mkdirSync(dirname(simulatedMemoryPath), { recursive: true });
    writeFileSync(simulatedMemoryPath, `${JSON.stringify(result, undefined, 2)}\n`);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}
