/** Durations and sizes with the bounds that the run can keep. */
import { KiB } from '../binary/units.ts';
import { parseDuration, parseSize } from './quantity.ts';
import { badValue } from './config-error.ts';

const day = 86400;
/** Nothing may wait for ever, and no timer of ours counts further than 24 days. */
const longest = {
  time_limit: 7 * day,
  device_timeout: 3600,
  hook_timeout: 3600,
  stall_limit: 3600,
  retry_limit: day,
  loop_limit: 7 * day,
  keep: 36500 * day,
} as const;

/** Seconds, at least one. @throws ConfigError */
export function readDuration(text: string, name: keyof typeof longest): number {
  const seconds = parseDuration(text, longest[name]);
  if (seconds === 0) throw badValue(`Cannot use a ${name} of 0: expected at least a second`);
  return seconds;
}

/** A window of the bitmap that stands for 8 GiB: small enough for everybody, and each costs a little. */
const leastMemoryLimit = 256 * KiB;

/** Bytes that the bitmap of a dump may take. @throws ConfigError */
export function readMemoryLimit(text: string): number {
  const bytes = parseSize(text);
  if (bytes < leastMemoryLimit) throw badValue('Cannot use a memory limit of less than 256K');
  return bytes;
}
