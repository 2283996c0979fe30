/** The figures as lines for people: ours, theirs, the ratio, and whether it is as wanted. */
import type { Run } from './measure.ts';

export type Row = {
  readonly level: number;
  readonly contender: string;
  readonly figure: string;
  readonly unit: 's' | 'bytes' | 'times';
  readonly ours: number;
  readonly theirs: number;
  /** Ours divided by theirs. */
  readonly ratio: number;
  /** Highest wanted ratio, or for `limit: 'ours'` highest wanted value of ours. */
  readonly target?: number;
  readonly limit: 'ratio' | 'ours';
  readonly verdict?: 'ok' | 'over';
};

type RowWords = Pick<Row, 'level' | 'contender' | 'figure' | 'unit'>;

/** A row with its ratio, and a verdict when there is a target. */
export function row(words: RowWords, ours: number, theirs: number, target?: number, limit: Row['limit'] = 'ratio'): Row {
  const ratio = ours / theirs;
  const base = { ...words, ours, theirs, ratio, limit };
  if (target === undefined) return base;
  return { ...base, target, verdict: (limit === 'ratio' ? ratio : ours) <= target ? 'ok' : 'over' };
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

export function heading(level: number): string {
  const { contender, figure, value, ratio } = widths;
  return `${`-d ${level}`.padEnd(contender + figure)}${'ours'.padStart(value)}${'theirs'.padStart(value)}${'ratio'.padStart(ratio)}  wanted`;
}

export function formatRow(line: Row): string {
  const { contender, figure, value, ratio } = widths;
  const start = `${line.contender.padEnd(contender)}${line.figure.padEnd(figure)}`;
  const numbers = [line.ours, line.theirs].map((number) => formatValue(number, line.unit).padStart(value)).join('');
  const text = `${start}${numbers}${line.ratio.toFixed(2).padStart(ratio)}`;
  if (line.target === undefined) return text;
  const wanted = line.limit === 'ratio' ? line.target.toFixed(2) : formatValue(line.target, line.unit);
  return `${text}  <= ${wanted} ${line.verdict}`;
}

function formatValue(value: number, unit: Row['unit']): string {
  if (unit === 'bytes') return `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'times') return value.toFixed(2);
  return value < 0.5 ? `${(value * 1000).toFixed(1)} ms` : `${value.toFixed(2)} s`;
}
