/**
 * Both programs inside the capture kernel: a guest crashes, and in its capture kernel, with one CPU and a small reservation, they dump the same
 * /proc/vmcore to the same disk, in turns. A large guest is what is judged; a small one shows what starting costs.
 *
 * Ours lies in the squashfs that `kcapture image` makes and starts as the capture script starts it; makedumpfile lies unpacked in the same image,
 * as other systems carry it. A time ends when the dump is on the disk, and begins with nothing in the page cache. QEMU emulates the CPU, so only
 * ratios mean anything. Goes out: rows of the table, and a file in the cache with all that was measured.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cached, cacheFolder, fingerprint, removeOld } from '../cache.ts';
import { command } from '../command.ts';
import { type Cycle, runCycle } from '../cycle.ts';
import { foreignProgram } from '../foreign-program.ts';
import { packFolder } from '../initramfs.ts';
import { findKernel, type Kernel } from '../kernels.ts';
import { executablePayload } from '../machine/payload.ts';
import { captureSettings } from './capture-settings.ts';
import { countPages } from './count-pages.ts';
import { median, type Run } from './measure.ts';
import type { Program } from './programs.ts';
import { type Row, row, rowsOf } from './table.ts';

export type CaptureKernelBench = {
  readonly our: Program;
  readonly their: Program;
  /** Host path of our executable. */
  readonly executable: string;
  /** MiB of the guests, some of `captureGuestSizes`. */
  readonly sizes: readonly number[];
  readonly runs: number;
  readonly say: (line: string) => void;
};

export type CaptureKernelResult = {
  /** ISO 8601. */
  readonly date: string;
  readonly ours: string;
  readonly theirs: string;
  readonly kernel: string;
  readonly qemu: string;
  readonly crashkernel: string;
  readonly cpus: 1;
  readonly runs: number;
  readonly guests: readonly GuestResult[];
};

type GuestResult = {
  readonly memoryMiB: number;
  /** In each dump. */
  readonly pages: number;
  readonly rows: readonly Row[];
  /** Every run of every contender, in the order they ran. */
  readonly measured: readonly ({ readonly contender: string } & Run)[];
};

type Guest = {
  readonly memoryMiB: number;
  readonly lowMemoryMiB: number;
  /** Host path → path in the guest: what fills its memory before it crashes. */
  readonly workload: readonly (readonly [string, string])[];
  /** Whether its figures are judged. */
  readonly isJudged: boolean;
  readonly timeoutMs: number;
};

const benchFolder = join(import.meta.dirname, 'guest');
const guestFolder = join(benchFolder, 'capture');
const guests: readonly Guest[] = [
  {
    memoryMiB: 6144,
    lowMemoryMiB: 2048,
    workload: [
      [join(benchFolder, 'crash.sh'), 'crash.sh'],
      [join(benchFolder, 'workload.ts'), 'workload.ts'],
    ],
    isJudged: true,
    timeoutMs: 30 * 60_000,
  },
  {
    memoryMiB: 2048,
    lowMemoryMiB: 1024,
    workload: [
      [join(guestFolder, 'workload.ts'), 'workload.ts'],
      [join(import.meta.dirname, '../guest/workload.ts'), 'page-classes.ts'],
    ],
    isJudged: false,
    timeoutMs: 10 * 60_000,
  },
];
export const captureGuestSizes = guests.map(({ memoryMiB }) => memoryMiB);

/**
 * Without ERMS and FSRM kernels clear pages by words. With them QEMU emulates a copy of a page byte by byte: four fifths of the kernel's time in a start of
 * kcapture went there (measured).
 */
const kernelRow: Kernel = { ...findKernel('6.1'), cpu: `${findKernel('6.1').cpu},-erms,-fsrm` };
const crashkernel = '192M';
const level = 31;
const peakTarget = 128e6;
/** Where the latest result is kept. */
export const captureKernelResultPath = join(cacheFolder, 'bench/capture-kernel.json');

const theirFolder = '/makedumpfile';
const comparisons = [
  { theirs: ['-z'], ours: [{ words: ['-z'], wall: 1 }, { words: ['-z', '--level', '1'] }] },
  { theirs: ['-l'], ours: [{ words: ['-l'] }] },
] as const;

type Contender = { readonly name: string; readonly program: Program; readonly argv: readonly string[] };

/**
 * Boots, crashes, measures; keeps the result.
 * @throws VmError when a guest or a dump in it failed; Error when the dumps of a guest hold different pages.
 */
export async function benchCaptureKernel(bench: CaptureKernelBench): Promise<CaptureKernelResult> {
  const results: GuestResult[] = [];
  let release = '';
  for (const guest of guests.filter(({ memoryMiB }) => bench.sizes.includes(memoryMiB))) {
    bench.say(`a guest of ${guest.memoryMiB} MiB`);
    const measured = await measureGuest(bench, guest);
    release = measured.release;
    results.push(measured.result);
  }
  const { our, their, runs } = bench;
  const result: CaptureKernelResult = {
    date: new Date().toISOString(),
    ours: our.version,
    theirs: their.version,
    kernel: release,
    qemu: command(['qemu-system-x86_64', '--version']).split('\n')[0],
    crashkernel,
    cpus: 1,
    runs,
    guests: results,
  };
  writeFileSync(captureKernelResultPath, `${JSON.stringify(result, undefined, 2)}\n`);
  return result;
}

async function measureGuest(bench: CaptureKernelBench, guest: Guest): Promise<{ readonly release: string; readonly result: GuestResult }> {
  const all = contenders(bench);
  const folder = mkdtempSync(join(workFolder(), 'capture-kernel-'));
  try {
    const cycle = await runCycle({
      kernel: { ...kernelRow, memoryMiB: guest.memoryMiB, lowMemoryMiB: guest.lowMemoryMiB },
      executable: bench.executable,
      payload: executablePayload(bench.executable),
      folder: join(folder, 'cycle'),
      crashkernel,
      steps: steps(all, bench.runs),
      initramfs: (base) => withGuestFiles(base, guest),
      timeoutMs: guest.timeoutMs,
      onReport: (key, value) => /^(run|kernel|crash|capture-up)/.test(key) && bench.say(`  ${key}=${value}`),
    });
    const measured = all.map((contender) => runsOf(contender, cycle, bench.runs));
    return { release: cycle.release, result: resultOf(bench, guest, all, measured) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function workFolder(): string {
  const path = dirname(captureKernelResultPath);
  mkdirSync(path, { recursive: true });
  return path;
}

function contenders({ our, their }: CaptureKernelBench): readonly Contender[] {
  const ourCommand = ['env', ...captureSettings(), '/exe/kcapture'];
  const theirCommand = [`${theirFolder}/ld-linux-x86-64.so.2`, '--library-path', theirFolder, `${theirFolder}/makedumpfile`];
  const contender = (program: Program, start: readonly string[], words: readonly string[]): Contender => ({
    name: [program.name, ...words].join(' '),
    program,
    argv: [...start, ...program.argv([...words, '-d', `${level}`], '/proc/vmcore', '/disk/dump').slice(program.command.length)],
  });
  return comparisons.flatMap(({ theirs, ours }) => [
    contender(their, theirCommand, theirs),
    ...ours.map(({ words }) => contender(our, ourCommand, words)),
  ]);
}

const runName = ({ name }: Contender, turn: number) => `${turn}-${name.replaceAll(/\W+/g, '-')}`;

function steps(all: readonly Contender[], turns: number): readonly { readonly name: string; readonly run: string }[] {
  return Array.from({ length: turns }, (_, index) => index + 1).flatMap((turn) =>
    all.map((contender) => {
      const name = runName(contender, turn);
      return { name, run: `sh /timed-dump.sh ${name} ${contender.argv.join(' ')}` };
    }),
  );
}

/** What the guest reported of a contender's runs, and how many pages each dump holds. */
function runsOf(contender: Contender, { report, extract }: Cycle, turns: number): readonly Run[] {
  return Array.from({ length: turns }, (_, index) => {
    const name = runName(contender, index + 1);
    const [wallSeconds, user, system, peakKib, outputBytes] = (report.get(`run.${name}`) ?? '').split(' ').map(Number);
    if (outputBytes === undefined) throw new Error(`Cannot find the times of ${name}: the guest did not report them`);
    const filterSeconds = contender.program.readFilterSeconds(readFileSync(extract(`${name}.out`), 'utf8'), '');
    const pages = countPages(extract(`${name}.head`));
    return { wallSeconds, cpuSeconds: user + system, peakBytes: peakKib * 1024, outputBytes, filterSeconds, pages, diskBytes: 0 };
  });
}

function resultOf(
  { our, their }: CaptureKernelBench,
  { memoryMiB, isJudged }: Guest,
  all: readonly Contender[],
  measured: readonly (readonly Run[])[],
): GuestResult {
  const counts = new Set(measured.flat().map(({ pages }) => pages));
  if (counts.size !== 1) throw new Error(`Cannot compare the dumps of the capture kernel: they hold ${[...counts].join(' and ')} pages`);
  const medianOf = new Map(all.map(({ name }, index) => [name, median(measured[index])]));
  const find = (program: Program, words: readonly string[]) => medianOf.get([program.name, ...words].join(' '))!;
  const rows = comparisons.flatMap(({ theirs, ours }) =>
    ours.flatMap((own) => {
      const [ourRun, theirRun] = [find(our, own.words), find(their, theirs)];
      const contender = own.words.join(' ');
      const wall = 'wall' in own ? own.wall : undefined;
      return [
        ...rowsOf(level, contender, ourRun, theirRun, isJudged ? { wall, peak: peakTarget } : {}),
        row({ level, contender, figure: 'filter', unit: 's' }, ourRun.filterSeconds, theirRun.filterSeconds),
      ];
    }),
  );
  return {
    memoryMiB,
    pages: [...counts][0],
    rows,
    measured: all.flatMap(({ name }, index) => measured[index].map((run) => ({ contender: name, ...run }))),
  };
}

/** The base archive with GNU time, makedumpfile with its libraries, and a workload that fills more of the memory. */
function withGuestFiles(base: string, { workload }: Guest): string {
  const files = [...workload, ...guestFiles()];
  const sources = files.map(([from]) => from);
  return cached(`images/bench-capture-${fingerprint([base, ...sources])}.cpio`, (archive) => {
    removeOld('images/bench-capture-*.cpio', guests.length - 1);
    const added = `${archive}.added`;
    packFolder(added, (root) => {
      for (const [from, to] of files) {
        mkdirSync(dirname(join(root, to)), { recursive: true });
        copyFileSync(from, join(root, to));
      }
    });
    command(['sh', '-c', 'exec cat "$2" "$3" >"$1"', 'sh', archive, base, added]);
    rmSync(added);
  });
}

/** Host path → path in the guest. */
function guestFiles(): readonly (readonly [string, string])[] {
  const { argv } = foreignProgram('sid', 'makedumpfile', 'usr/bin/makedumpfile');
  const [loader, option, libraries, program] = argv;
  const linked = command([loader, option, libraries, '--list', program]).matchAll(/=> (\/\S+) \(0x/g);
  return [
    ['/usr/bin/time', 'usr/bin/time'],
    [join(guestFolder, 'timed-dump.sh'), 'timed-dump.sh'],
    ...[loader, program, ...[...linked].map((match) => match[1])].map((path) => [path, `makedumpfile/${basename(path)}`] as const),
  ];
}
