/**
 * The benchmark: our executable and makedumpfile on one large vmcore, alternately, and the ratios of their times, memory and sizes.
 *
 *     npm run bench [-- --runs N] [--codec z,l,p,c,none] [--level 31,0] [--workers 1,2] [--cpus LIST] [--executable PATH] [--more VMCORE,...]
 *                      [--in-memory] [--json] [--document [--measured FILE,...]]
 *     npm run bench -- --network | --capture-kernel [--memory 6144,2048]
 *
 * `KCAPTURE_BENCH_VMCORE` names another vmcore than the one made and kept in the cache; `--more` are further ones, of smaller or larger machines. Both
 * programs read the same warm file, write to the same folder on the disk (`--in-memory`: in /dev/shm) and are pinned to the CPUs of `--cpus`. It prints and never fails because of a time; it fails when
 * a run fails or the dumps hold different pages. `--document` writes docs/performance.md and docs/performance.svg too, with what other benchmarks
 * left in the cache; with `--measured`, out of what `--json` printed before, perhaps
 * in parts, without measuring. With `--network` it measures dumps to servers on the
 * loopback instead, with `--capture-kernel` both programs inside the capture kernel of a guest.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchCaptureKernel, captureGuestSizes, type CaptureKernelResult, captureKernelResultPath } from './bench/capture-kernel.ts';
import { compareDumps } from './bench/compare-dumps.ts';
import { comparisons } from './bench/comparisons.ts';
import { type BenchResult, describeRuns, type Kept, mergeResults, writeDocument } from './bench/document.ts';
import { coldEntries, type Entry, rowsOfEntries } from './bench/entries.ts';
import { compareSizes, readKept, type MemorySize, type SimulatedMemory, simulatedMemoryPath } from './bench/memory-sizes.ts';
import { benchNetwork } from './bench/network.ts';
import { drawPicture } from './bench/picture.ts';
import { ours, theirs } from './bench/programs.ts';
import { compareDmesg, compareStart } from './bench/short-runs.ts';
import { surroundings } from './bench/surroundings.ts';
import { formatRow, heading, type Row } from './bench/table.ts';
import { benchVmcore } from './bench/vmcore.ts';
import { cacheFolder } from './cache.ts';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    codec: { type: 'string', default: comparisons.map(({ codec }) => codec).join(',') },
    level: { type: 'string', default: '31,0' },
    workers: { type: 'string', default: '1,2' },
    cpus: { type: 'string', default: '0,1' },
    executable: { type: 'string' },
    more: { type: 'string' },
    'in-memory': { type: 'boolean', default: false },
    network: { type: 'boolean', default: false },
    'capture-kernel': { type: 'boolean', default: false },
    memory: { type: 'string', default: captureGuestSizes.join(',') },
    document: { type: 'boolean', default: false },
    measured: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
/** They take milliseconds each. */
const startRuns = 9;
const runs = wholeNumber(options.runs, 1, 99);
const levels = options.level.split(',').map((word) => wholeNumber(word, 0, 31));
const wantedWorkers = options.workers.split(',').map((word) => wholeNumber(word, 1, 2));
const workers = wantedWorkers.filter((count) => count <= availableParallelism());
const chosen = comparisons.filter(({ codec }) => options.codec.split(',').includes(codec));
if (chosen.length === 0)
  throw new Error(`Cannot bench codec "${options.codec}": expected some of ${comparisons.map(({ codec }) => codec).join(',')}`);

const report = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (line: string): void => void (options.json || process.stdout.write(`${line}\n`));

if (options.measured !== undefined) {
  document(mergeResults(options.measured.split(',').map((path) => JSON.parse(readFileSync(path, 'utf8')))));
  process.exit(0);
}
const our = ours(options.executable);
const their = theirs();
if (options['capture-kernel']) await compareInCaptureKernel();
const before = surroundings(their.command);
const original = process.env.KCAPTURE_BENCH_VMCORE ?? (await benchVmcore(report));
const vmcoreOrigin =
  process.env.KCAPTURE_BENCH_VMCORE === undefined
    ? 'the memory of a QEMU guest with a busy workload, made by the benchmark'
    : 'of another origin';
const vmcoreBytes = statSync(original).size;
const folder = mkdtempSync(join(workParent(), 'kcapture-bench-'));
const dumps = options['in-memory'] ? folder : mkdtempSync(join(cacheFolder, 'bench-dumps-'));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.once('exit', () => {
  for (const path of [folder, dumps]) rmSync(path, { recursive: true, force: true });
});
const vmcore = warmCopy(original);
const bench = { our, their, folder, dumps, cpus: options.cpus, runs, say: report };
const rows: Row[] = [];
const entries: Entry[] = [];
let sizes: readonly MemorySize[] = [];

readWhole(vmcore);
print(`ours      ${our.version}`);
print(`theirs    ${their.version}`);
print(
  `vmcore    ${original}, ${(vmcoreBytes / 2 ** 30).toFixed(2)} GiB, ${vmcore === original ? 'read once before' : 'copied into memory'}`,
);
print(`output    ${dumps}`);
print(`machine   ${before.cpus} CPUs, load ${before.load.toFixed(2)}; medians of ${runs} runs, both on CPUs ${options.cpus}, in turns`);
if (options.network) await compareNetwork();
else compareFiles();
finish();

function compareFiles(): void {
  for (const level of levels) {
    print(`\n${heading(level)}`);
    for (const comparison of chosen) {
      entries.push(...compareDumps({ ...bench, vmcore, workers }, comparison, level));
      add(rowsOfEntries(entries, comparison, level));
    }
  }
  print(`\n${heading('the log alone, and starting')}`);
  add(compareDmesg(bench, vmcore));
  add(compareStart({ ...bench, runs: Math.max(runs, startRuns) }));
  const more = options.more?.split(',') ?? [];
  more.forEach(readWhole);
  sizes = compareSizes(bench, more);
  if (sizes.length > 0) sizes = [...sizes, { name: basename(original), vmcoreBytes, entries: sizeEntries() }];
}

/** Those of the first vmcore that the others are measured with. */
function sizeEntries(): readonly Entry[] {
  return entries.filter(({ mode, level, workers: count }) => mode === '-z' && level === 31 && count === 1);
}

async function compareNetwork(): Promise<void> {
  const lines = await benchNetwork({ ...bench, vmcore });
  print(`\n${'to a server'.padEnd(40)}${'ours'.padStart(12)}${'slower part'.padStart(12)}${'ratio'.padStart(9)}  wanted`);
  add(lines);
}

/** Ends the process: nothing else is measured with it. */
async function compareInCaptureKernel(): Promise<never> {
  const executable = our.command[0];
  const sizes = options.memory.split(',').map((word) => wholeNumber(word, Math.min(...captureGuestSizes), Math.max(...captureGuestSizes)));
  const result = await benchCaptureKernel({ our, their, executable, sizes, runs, say: report });
  if (options.json) process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  print(`ours      ${result.ours}`);
  print(`theirs    ${result.theirs}`);
  print(`guests    ${result.kernel}, crashkernel=${result.crashkernel}, one CPU; ${result.qemu}, emulated`);
  print(`dumps     medians of ${result.runs} runs, in turns, until the dump is on the disk`);
  for (const guest of result.guests) {
    print(`\n${heading(`${guest.memoryMiB} MiB, ${guest.pages} pages`)}`);
    for (const line of guest.rows) print(formatRow(line));
  }
  print(`\nall runs are in ${captureKernelResultPath}`);
  process.exit(0);
}

function add(lines: readonly Row[]): void {
  rows.push(...lines);
  for (const line of lines) print(formatRow(line));
}

function finish(): void {
  const missing = workers.length < wantedWorkers.length ? ['this machine has one CPU: two workers were not measured'] : [];
  const over = rows.filter(({ verdict }) => verdict === 'over').length;
  const judged = rows.filter(({ verdict }) => verdict !== undefined).length;
  const measured: BenchResult = {
    ours: our.version,
    theirs: their.version,
    commands: [commandLine()],
    vmcore: basename(original),
    vmcoreOrigin,
    vmcoreBytes,
    cpus: options.cpus,
    output: options['in-memory'] ? 'memory' : 'the disk',
    surroundings: before,
    entries,
    sizes,
    rows,
    warnings: [...coldEntries(entries, vmcoreBytes), ...missing],
  };
  for (const warning of measured.warnings) print(`\nwarning   ${warning}`);
  if (options.json) process.stdout.write(`${JSON.stringify(measured, undefined, 2)}\n`);
  print(`\n${judged - over} of ${judged} figures as wanted, ${over} over`);
  if (options.document && !options.network) document(measured);
}

/** For people who want the same document. */
function commandLine(): string {
  const words = process.argv.slice(2).filter((word) => word !== '--json' && word !== '--document');
  return ['npm run bench --', ...words, '--document'].join(' ');
}

function document(measured: BenchResult): void {
  const kept: Kept = {
    captureKernel: readKept<CaptureKernelResult>(captureKernelResultPath),
    simulated: readKept<SimulatedMemory>(simulatedMemoryPath),
  };
  const { vmcoreBytes: bytes, surroundings: around } = measured;
  const about = `a vmcore of ${(bytes / 2 ** 30).toFixed(2)} GiB, ${around.cpus} CPUs, ${describeRuns(measured.entries)}`;
  const docs = join(import.meta.dirname, '../docs');
  writeFileSync(join(docs, 'performance.svg'), drawPicture(measured.entries, about));
  writeFileSync(join(docs, 'performance.md'), writeDocument(measured, kept));
  report(`wrote ${join(docs, 'performance.md')} and performance.svg`);
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
function workParent(): string {
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
