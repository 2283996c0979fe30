/** The figures as lines for people: ours, theirs, the ratio, and whether it is as wanted. */
import type { Run } from './measure.ts';

export type Row = {
  /** Dump level; undefined when the figure is not of a dump. */
  readonly level?: number;
  readonly contender: string;
  readonly figure: string;
  readonly unit: 's' | 'bytes' | 'times';
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs. */
  readonly ratio: number;
  /** Highest wanted ratio; for `limit: 'ours'` highest, for `'least'` lowest wanted value of ours. */
  readonly target?: number;
  readonly limit: 'ratio' | 'ours' | 'least';
  readonly verdict?: 'ok' | 'over';
};

type RowWords = Pick<Row, 'level' | 'contender' | 'figure' | 'unit'>;

/** A row with its ratio, and a verdict when there is a target. */
export function row(words: RowWords, ours: number, theirs: number, target?: number, limit: Row['limit'] = 'ratio'): Row {
  const ratio = ours / theirs;
  const base = { ...words, ours, theirs, ratio, limit };
  if (target === undefined) return base;
  const isGood = limit === 'least' ? ours >= target : (limit === 'ratio' ? ratio : ours) <= target;
  return { ...base, target, verdict: isGood ? 'ok' : 'over' };
}

/** Wall time, CPU time, peak memory and size of one contender. */
export function rowsOf(
  level: number,
  contender: string,
  ours: Run,
  theirs: Run,
  targets: { wall?: number; size?: number; peak?: number },
): Row[] {
  const words = { level, contender };
  return [
    row({ ...words, figure: 'wall', unit: 's' }, ours.wallSeconds, theirs.wallSeconds, targets.wall),
    row({ ...words, figure: 'cpu', unit: 's' }, ours.cpuSeconds, theirs.cpuSeconds),
    row({ ...words, figure: 'peak memory', unit: 'bytes' }, ours.peakBytes, theirs.peakBytes, targets.peak, 'ours'),
    row({ ...words, figure: 'size', unit: 'bytes' }, ours.outputBytes, theirs.outputBytes, targets.size),
  ];
}

const widths = { contender: 26, figure: 14, value: 12, ratio: 9 };

/** @param title A dump level, or words. */
export function heading(title: number | string): string {
  const { contender, figure, value, ratio } = widths;
  const start = typeof title === 'number' ? `-d ${title}` : title;
  return `${start.padEnd(contender + figure)}${'ours'.padStart(value)}${'theirs'.padStart(value)}${'ratio'.padStart(ratio)}  wanted`;
}

export function formatRow(line: Row): string {
  const { contender, figure, value, ratio } = widths;
  const start = `${line.contender.padEnd(contender)}${line.figure.padEnd(figure)}`;
  const numbers = [line.ours, line.theirs].map((number) => formatValue(number, line.unit).padStart(value)).join('');
  const text = `${start}${numbers}${formatValue(line.ratio, 'times').padStart(ratio)}`;
  return line.target === undefined ? text : `${text}  ${formatWanted(line)} ${line.verdict}`;
}

/** The target as words, e.g. `<= 0.60`; empty without one. */
export function formatWanted({ target, limit, unit }: Row): string {
  if (target === undefined) return '';
  if (limit === 'least') return `>= ${formatValue(target, unit)}`;
  return `<= ${limit === 'ratio' ? target.toFixed(2) : formatValue(target, unit)}`;
}

/** A dash for what is not a number, or was not when it went through JSON. */
export function formatValue(value: number, unit: Row['unit']): string {
  if (!Number.isFinite(value)) return '-';
  if (unit === 'bytes' && value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  if (unit === 'bytes') return `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'times') return value.toFixed(2);
  return value < 0.5 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`;
}
