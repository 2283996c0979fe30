/**
 * The benchmark: our executable and makedumpfile on one large vmcore, alternately, and the ratios of their times, memory and sizes.
 *
 *     npm run bench [-- --runs N] [--codec z,l,c] [--level 31,0] [--cpus LIST] [--executable PATH] [--network] [--json]
 *
 * `KCAPTURE_BENCH_VMCORE` names another vmcore than the one made and kept in the cache. Both programs read the same warm file, write to the same
 * folder and are pinned to the same CPU, or to those of `--cpus`. It prints and never fails because of a time; it fails when a run fails or
 * the two dumps hold different pages. With `--network` it measures dumps to servers on the loopback instead.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, freemem, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Comparison, comparisons, filterTarget, peakTarget, twoThreads } from './bench/comparisons.ts';
import { measure, median, type Run } from './bench/measure.ts';
import { benchNetwork } from './bench/network.ts';
import { ours, type Program, theirs } from './bench/programs.ts';
import { formatRow, heading, type Row, row, rowsOf } from './bench/table.ts';
import { benchVmcore } from './bench/vmcore.ts';
import { cacheFolder } from './cache.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    codec: { type: 'string', default: 'z,l,c' },
    level: { type: 'string', default: '31,0' },
    cpus: { type: 'string', default: '0,1' },
    executable: { type: 'string' },
    network: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const runs = wholeNumber(options.runs, 1, 99);
const levels = options.level.split(',').map((word) => wholeNumber(word, 0, 31));
const chosen = comparisons.filter(({ codec }) => options.codec.split(',').includes(codec));
if (chosen.length === 0)
  throw new Error(`Cannot bench codec "${options.codec}": expected some of ${comparisons.map(({ codec }) => codec).join(',')}`);

const report = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void (options.json || process.stdout.write(`${line}\n`));

const our = ours(options.executable);
const their = theirs();
const original = process.env.KCAPTURE_BENCH_VMCORE ?? (await benchVmcore(report));
const vmcoreBytes = statSync(original).size;
const folder = mkdtempSync(join(outputParent(), 'kcapture-bench-'));
process.once('SIGINT', () => process.exit(130));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const vmcore = warmCopy(original);
const rows: Row[] = [];
const warnings: string[] = [];
/** Ours and theirs with one worker, `-z`, at the first level: what two threads are compared with. */
let oneWorker: readonly [Run, Run] | undefined;

readWhole(vmcore);
print(`ours      ${our.version}`);
print(`theirs    ${their.version}`);
print(
  `vmcore    ${original}, ${(vmcoreBytes / 2 ** 30).toFixed(2)} GiB, ${vmcore === original ? 'read once before' : 'copied into memory'}`,
);
print(`output    ${folder}`);
print(
  `machine   ${availableParallelism()} CPUs, load ${loadavg()[0].toFixed(2)}; medians of ${runs} runs, one worker, both on CPUs ${options.cpus}, in turns`,
);
if (options.network) await compareNetwork();
else compareFiles();
finish();

function compareFiles(): void {
  for (const level of levels) {
    print(`\n${heading(level)}`);
    for (const comparison of chosen) compare(comparison, level);
  }
  if (chosen.some(({ codec }) => codec === 'z') && oneWorker !== undefined) compareTwoThreads(levels[0], oneWorker);
}

async function compareNetwork(): Promise<void> {
  const { cpus } = options;
  const lines = await benchNetwork({ our, vmcore, folder, cpus, runs, say: report });
  print(`\n${'to a server'.padEnd(40)}${'ours'.padStart(12)}${'slower part'.padStart(12)}${'ratio'.padStart(9)}  wanted`);
  add(lines);
}

/** One codec at one level: theirs and each of ours in turns, then the rows. */
function compare({ codec, theirOptions, ours: contenders }: Comparison, level: number): void {
  const levelWords = ['-d', `${level}`];
  const all = [
    { program: their, options: [...theirOptions, ...levelWords] },
    ...contenders.map(({ options: own }) => ({ program: our, options: [...own, ...levelWords] })),
  ];
  const [theirRun, ...ourRuns] = inTurns(all, options.cpus, runs);
  for (const [index, { name, targets }] of contenders.entries())
    add(rowsOf(level, name, ourRuns[index], theirRun, { ...targets, peak: peakTarget }));
  const [first] = ourRuns;
  if (level !== 0) {
    if (theirRun.filterSeconds === 0) throw new Error(`Cannot compare the filters: ${their.version} did not print how long its own took`);
    const words = { level, contender: contenders[0].name, figure: 'filter', unit: 's' } as const;
    add([row(words, first.filterSeconds, theirRun.filterSeconds, filterTarget)]);
  }
  if (codec === 'z') oneWorker ??= [first, theirRun];
}

/** One run each: theirs spins and takes minutes on two busy CPUs. */
function compareTwoThreads(level: number, [ourOne, theirOne]: readonly [Run, Run]): void {
  const words = [...twoThreads, '-d', `${level}`];
  if (availableParallelism() < 2) {
    warnings.push('two threads were NOT compared: this machine has one CPU');
    return;
  }
  print(`\n${heading(level)}`);
  const [theirRun, ourRun] = inTurns(
    [their, our].map((program) => ({ program, options: words })),
    '0,1',
    1,
  );
  add(rowsOf(level, twoThreads.join(' '), ourRun, theirRun, {}));
  const shares = [ourRun.wallSeconds / ourOne.wallSeconds, theirRun.wallSeconds / theirOne.wallSeconds];
  add([row({ level, contender: 'two threads : one', figure: 'wall', unit: 'times' }, shares[0], shares[1])]);
  if (ourRun.cpuSeconds < 1.1 * ourRun.wallSeconds)
    warnings.push('ours with --num-threads 2 did NOT use a second CPU: its figures are those of one worker');
}

/** Runs all of them once, then all of them again, `turns` times, and gives the medians in the same order. */
function inTurns(jobs: readonly { program: Program; options: readonly string[] }[], cpus: string, turns: number): Run[] {
  const results: Run[][] = jobs.map(() => []);
  for (let turn = 1; turn <= turns; turn++) {
    for (const [index, { program, options: words }] of jobs.entries()) {
      const output = join(folder, 'dump');
      const run = measure({ argv: program.argv(words, vmcore, output), cpus, output, readFilterSeconds: program.readFilterSeconds });
      const name = `${program.name} ${words.join(' ')}`;
      report(`  ${name}: run ${turn} of ${turns}, ${run.wallSeconds.toFixed(2)} s`);
      if (run.diskBytes > vmcoreBytes / 100)
        warnings.push(`${name} read ${Math.round(run.diskBytes / 1e6)} MB from the disk: the file was not warm`);
      results[index].push(run);
    }
  }
  const counts = new Set(results.flat().map(({ pages }) => pages));
  if (counts.size !== 1)
    throw new Error(
      `Cannot compare ${jobs.map(({ options: words }) => words.join(' ')).join(' with ')}: the dumps hold ${[...counts].join(' and ')} pages`,
    );
  return results.map(median);
}

function add(lines: readonly Row[]): void {
  rows.push(...lines);
  for (const line of lines) print(formatRow(line));
}

function finish(): void {
  const over = rows.filter(({ verdict }) => verdict === 'over').length;
  const judged = rows.filter(({ verdict }) => verdict !== undefined).length;
  if (options.json) {
    const machine = { cpus: availableParallelism(), load: loadavg()[0] };
    const result = { ours: our.version, theirs: their.version, vmcore, vmcoreBytes, runs, machine, rows, warnings };
    process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return;
  }
  for (const warning of warnings) print(`\nwarning   ${warning}`);
  print(`\n${judged - over} of ${judged} figures as wanted, ${over} over`);
}

/** Some kernels give the pages of a file back within seconds; a copy in memory stays warm. Without room for it, and for the outputs, there is none. */
function warmCopy(path: string): string {
  const { bavail, bsize } = statfsSync(folder);
  const isMemory = folder.startsWith('/dev/shm/');
  if (!isMemory || freemem() < 2.5 * vmcoreBytes || bavail * bsize < 2 * vmcoreBytes) return path;
  const copy = join(folder, 'vmcore');
  const { status } = spawnSync('cp', ['--sparse=always', path, copy], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`Cannot copy ${path} to ${copy}`);
  return copy;
}

/** Memory when a dump as large as the vmcore fits in beside the warm vmcore, else the disk. */
function outputParent(): string {
  const { bavail, bsize } = statfsSync('/dev/shm');
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const room = Math.min(bavail * bsize, available - vmcoreBytes);
  if (room > vmcoreBytes + 2 ** 30) return '/dev/shm';
  const disk = statfsSync(cacheFolder);
  if (disk.bavail * disk.bsize < vmcoreBytes)
    throw new Error(`Cannot bench: neither /dev/shm nor ${cacheFolder} has room for ${vmcoreBytes} bytes`);
  return cacheFolder;
}

/** Reads the file to its end, so that it lies in the page cache. */
function readWhole(path: string): void {
  const buffer = Buffer.alloc(16 * 2 ** 20);
  const file = openSync(path, 'r');
  while (readSync(file, buffer) > 0);
  closeSync(file);
}

function wholeNumber(text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most)
    throw new Error(`Cannot use "${text}": expected a number from ${least} to ${most}`);
  return number;
}
