/** What was measured of each contender, and the rows that follow from it: pure, so that a kept result can be judged again. */
import { type Comparison, filterMode, filterTarget, judgedLevel, type Targets } from './comparisons.ts';
import type { Run } from './measure.ts';
import { type Row, row, rowsOf } from './table.ts';

export type ProgramName = 'kcapture' | 'makedumpfile';

/** One contender at one dump level with a number of workers. */
export type Entry = {
  readonly program: ProgramName;
  /** As on the command line: `-z`, `-z --level 1`, `uncompressed`. */
  readonly mode: string;
  readonly level: number;
  readonly workers: number;
  /** How many runs `run` is the median of. */
  readonly runs: number;
  /** Undefined: it was stopped after `limitSeconds`. */
  readonly run?: Run;
  readonly limitSeconds?: number;
};

export function findEntry(
  entries: readonly Entry[],
  program: ProgramName,
  mode: string,
  level: number,
  workers: number,
): Entry | undefined {
  return entries.find((entry) => entry.program === program && entry.mode === mode && entry.level === level && entry.workers === workers);
}

/** Contenders that read more than a hundredth of the vmcore from the disk: their times are those of the disk. */
export function coldEntries(entries: readonly Entry[], vmcoreBytes: number): readonly string[] {
  return entries.flatMap(({ program, mode, level, workers, run }) =>
    run === undefined || run.diskBytes <= vmcoreBytes / 100
      ? []
      : [
          `${program} ${mode} -d ${level}, ${workers === 1 ? 'one worker' : `${workers} workers`}, read ${Math.round(run.diskBytes / 1e6)} MB from the disk`,
        ],
  );
}

/** Wall time, or the limit that was reached: a lower bound then. */
export function wallOf({ run, limitSeconds }: Entry): number {
  return run?.wallSeconds ?? limitSeconds ?? Number.NaN;
}

/** The rows of one comparison at one level; what was not measured has none. */
export function rowsOfEntries(entries: readonly Entry[], { ours, theirName }: Comparison, level: number): readonly Row[] {
  const rows = ours.flatMap(({ name, targets }) => {
    const judged = level === judgedLevel ? targets : {};
    const own = (workers: number) => findEntry(entries, 'kcapture', name, level, workers);
    const their = (workers: number) => findEntry(entries, 'makedumpfile', theirName, level, workers);
    const [one, two, theirOne, theirTwo] = [own(1), own(2), their(1), their(2)];
    return [
      ...(one?.run && theirOne?.run ? rowsOf(level, name, one.run, theirOne.run, judged) : []),
      ...(two ? twoWorkers(name, judged, { one, two, theirOne, theirTwo }) : []),
    ];
  });
  const [one, theirOne] = [
    findEntry(entries, 'kcapture', ours[0].name, level, 1)?.run,
    findEntry(entries, 'makedumpfile', theirName, level, 1)?.run,
  ];
  if (theirName !== filterMode || !one || !theirOne || one.filterSeconds === 0 || theirOne.filterSeconds === 0) return rows;
  const words = { level, contender: ours[0].name, figure: 'filter', unit: 's' } as const;
  const target = level === judgedLevel ? filterTarget : undefined;
  return [...rows, row(words, one.filterSeconds, theirOne.filterSeconds, target)];
}

type Four = { readonly one?: Entry; readonly two: Entry; readonly theirOne?: Entry; readonly theirTwo?: Entry };

function twoWorkers(name: string, targets: Targets, { one, two, theirOne, theirTwo }: Four): readonly Row[] {
  if (two.run === undefined) return [];
  const words = { level: two.level, contender: `${name}, 2 workers` };
  const rows: Row[] = [];
  if (theirTwo !== undefined) {
    rows.push(row({ ...words, figure: 'wall', unit: 's' }, two.run.wallSeconds, wallOf(theirTwo), targets.wallOfTwo));
    if (theirTwo.run !== undefined)
      rows.push(
        ...rowsOf(two.level, words.contender, two.run, theirTwo.run, {}).filter(
          ({ figure }) => figure === 'cpu' || figure === 'peak memory',
        ),
      );
  }
  const best = Math.min(...[theirOne, theirTwo].flatMap((entry) => (entry === undefined ? [] : [wallOf(entry)])));
  if (Number.isFinite(best)) rows.push(row({ ...words, figure: 'wall to best', unit: 's' }, two.run.wallSeconds, best, targets.wallToBest));
  if (one?.run !== undefined) {
    const theirs = theirOne !== undefined && theirTwo !== undefined ? wallOf(theirOne) / wallOf(theirTwo) : Number.NaN;
    rows.push(
      row({ ...words, figure: 'speed-up', unit: 'times' }, one.run.wallSeconds / two.run.wallSeconds, theirs, targets.speedUp, 'least'),
    );
  }
  return rows;
}
