/** Sizes and durations as people write them: `64M`, `1.5G`, `90s`, `30m`, `2h`, `7d`. Bytes and seconds inside. */
import { badValue } from './config-error.ts';
import { quote } from './problem.ts';

const sizeUnits = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;
const durationUnits = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 } as const;

/** A size in bytes, whole KiB. K, M, G and T are binary, small or capital, with or without `iB`. @throws ConfigError */
export function parseSize(text: string): number {
  const match = text.match(/^(\d{1,12}(?:\.\d{1,6})?)([KMGT])(?:iB)?$/i);
  if (text === '0') return 0;
  if (match === null) throw badValue(`Cannot use ${quote(text)} as a size: expected a number and K, M, G or T`, suggestSize(text));
  const unit = sizeUnits[match[2].toUpperCase() as keyof typeof sizeUnits];
  const bytes = Math.round((Number(match[1]) * unit) / sizeUnits.K) * sizeUnits.K;
  if (bytes > 2 ** 50) throw badValue(`Cannot use ${quote(text)} as a size: more than 1024T`);
  return bytes;
}

function suggestSize(text: string): string {
  const match = text.match(/^(\d+(?:\.\d+)?)\s*([KMGT])?\s*b?$/i);
  if (match === null) return 'Write for instance 64M or 20G';
  return `Write ${match[1]}${match[2]?.toUpperCase() ?? 'M'}; units are binary, 1M is 1024 × 1024 bytes`;
}

/** A duration in seconds; a number alone is seconds. @param maxSeconds the longest that makes sense @throws ConfigError */
export function parseDuration(text: string, maxSeconds: number): number {
  const match = text.match(/^(\d{1,9})([smhdw]?)$/);
  if (match === null) {
    throw badValue(`Cannot use ${quote(text)} as a duration: expected a number and s, m, h or d`, 'Write for instance 90s, 30m or 2h');
  }
  const seconds = Number(match[1]) * durationUnits[(match[2] || 's') as keyof typeof durationUnits];
  if (seconds > maxSeconds) throw badValue(`Cannot use ${quote(text)} as a duration here: expected at most ${formatDuration(maxSeconds)}`);
  return seconds;
}

/** As it would be written: `64M`, `1536K`. Exact for whole KiB. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return '0';
  for (const unit of ['T', 'G', 'M'] as const) if (bytes % sizeUnits[unit] === 0) return `${bytes / sizeUnits[unit]}${unit}`;
  return `${Math.ceil(bytes / sizeUnits.K)}K`;
}

/** As it would be written, exactly: `2h`, `90s`. */
export function formatDuration(seconds: number): string {
  if (seconds === 0) return '0s';
  for (const unit of ['d', 'h', 'm'] as const) {
    if (seconds % durationUnits[unit] === 0) return `${seconds / durationUnits[unit]}${unit}`;
  }
  return `${seconds}s`;
}
