/**
 * What killed the kernel, as its log tells it.
 *
 * Comes in: the text of the log. Goes out: the one line a person wants first, and the facts that stand around it.
 *
 * The last trouble in the log is the one that led to the dump. A panic that only reports an earlier fault ("Fatal exception") gives way to that
 * fault; a kernel that went to the capture kernel straight from an oops never printed "Kernel panic" at all.
 */
import { type CallTrace, readCallTrace } from './call-trace.ts';

export type Panic = {
  /** The line that says what happened, without time stamp. */
  readonly line: string;
  /** The "Kernel panic - not syncing" line when there is one and `line` is another. */
  readonly panicLine?: string;
  /** Index of `line` among the lines of the log, from 0. */
  readonly lineIndex: number;
  readonly kind: PanicKind;
  /** Seconds since boot, when the line has a time stamp. */
  readonly seconds?: number;
} & CallTrace;

export type PanicKind = 'panic' | 'bug' | 'oops' | 'fault' | 'lockup' | 'hung-task' | 'warning';

type Cause = { readonly pattern: RegExp; readonly kind: PanicKind };

/** Lines that open a report, the ones that say most first. @source kernel/panic.c, lib/bug.c, arch/{x86,arm64}/mm/fault.c, traps.c */
const causes: readonly Cause[] = [
  { pattern: /\bkernel BUG at /, kind: 'bug' },
  { pattern: /^BUG: (?:soft lockup|workqueue lockup)/, kind: 'lockup' },
  { pattern: /^watchdog: (?:BUG: soft lockup|Watchdog detected hard LOCKUP|CPU\d+: )/, kind: 'lockup' },
  { pattern: /^NMI watchdog: (?:BUG: soft lockup|Watchdog detected hard LOCKUP)/, kind: 'lockup' },
  { pattern: /^(?:rcu: )?INFO: rcu_\S+ (?:self-)?detected (?:expedited )?stalls?/, kind: 'lockup' },
  { pattern: /^INFO: task .* blocked for more than \d+ seconds/, kind: 'hung-task' },
  { pattern: /^BUG: /, kind: 'bug' },
  { pattern: /^Unable to handle kernel /, kind: 'fault' },
  { pattern: /^general protection fault/, kind: 'fault' },
  { pattern: /^(?:traps: )?PANIC: double fault/, kind: 'fault' },
  {
    pattern: /^(?:divide error|invalid opcode|stack segment|double fault|int3|alignment check|bounds|segment not present|invalid TSS): /,
    kind: 'oops',
  },
  { pattern: /^SError Interrupt on CPU/, kind: 'fault' },
  { pattern: /^Internal error: /, kind: 'oops' },
  { pattern: /^Oops\b/, kind: 'oops' },
];

const panicPattern = /^Kernel panic - not syncing: ?(.*)/;
const warningPattern = /^WARNING: (?:CPU: \d+ PID: \d+ )?.*\bat /;

/** Panics that end something reported before; the report is what a person wants. */
const consequence =
  /^(?:Fatal exception|Oops|panic_on_|softlockup: hung tasks|hung_task: blocked tasks|Hard LOCKUP|RCU Stall|Fatal hardware|BUG!|kernel: panic_on_|Aiee, killing interrupt handler)/i;

/** A report ends with this line, so what stands before it belongs to another. */
const reportEnd = /^---\[ end (?:trace|Kernel panic)/;
/** How far above its "Oops:" line the opening line of a report may stand; sysrq and lockdep print in between. */
const reportLines = 30;
/** How far above a panic its cause is searched: reports with long register dumps and several stacks. */
const searchLines = 2000;

/**
 * Finds the trouble that ended the kernel. `undefined` when the log tells of none.
 * @param dmesg the log as text or bytes, lines with or without `[time]` and `[caller]` columns.
 */
export function findPanic(dmesg: string | Uint8Array): Panic | undefined {
  const raw = (typeof dmesg === 'string' ? dmesg : new TextDecoder().decode(dmesg)).split('\n');
  const lines = raw.map(stripColumns);
  const panicIndex = findLast(lines, lines.length, 0, (line) => panicPattern.test(line));
  const reason = panicIndex < 0 ? '' : (panicPattern.exec(lines[panicIndex])?.[1] ?? '');
  // An oops behind the last panic line comes from a panic that went wrong; the panic is what happened.
  const isConsequence = panicIndex < 0 || consequence.test(reason);
  const index = isConsequence ? findCause(lines, panicIndex < 0 ? lines.length : panicIndex, /panic_on_warn/.test(reason)) : panicIndex;
  const at = index < 0 ? panicIndex : index;
  if (at < 0) return undefined;
  return {
    line: lines[at],
    lineIndex: at,
    kind: kindOf(lines[at]),
    ...(panicIndex >= 0 && panicIndex !== at ? { panicLine: lines[panicIndex] } : {}),
    ...secondsOf(raw[at]),
    ...readCallTrace(lines, at),
  };
}

/** The opening line of the last report above `end`; -1 when there is none. */
function findCause(lines: readonly string[], end: number, warnings: boolean): number {
  const isCause = (line: string) => causes.some(({ pattern }) => pattern.test(line)) || (warnings && warningPattern.test(line));
  let found = findLast(lines, end, end - searchLines, isCause);
  // "Oops:", "invalid opcode:" and "Internal error:" come second; the line above them says what happened.
  while (found >= 0 && kindOf(lines[found]) === 'oops') {
    const top = Math.max(0, found - reportLines);
    const border = findLast(lines, found, top, (line) => reportEnd.test(line));
    const earlier = findLast(lines, found, Math.max(top, border + 1), isCause);
    if (earlier < 0) return found;
    found = earlier;
  }
  return found;
}

/** Highest index below `end`, not below `start`, whose line passes; -1 for none. */
function findLast(lines: readonly string[], end: number, start: number, passes: (line: string) => boolean): number {
  for (let i = end - 1; i >= Math.max(0, start); i--) if (passes(lines[i])) return i;
  return -1;
}

function kindOf(line: string): PanicKind {
  if (panicPattern.test(line)) return 'panic';
  return causes.find(({ pattern }) => pattern.test(line))?.kind ?? 'warning';
}

const timeColumn = /^(?:<\d+>)?\[ *(\d+\.\d+)\] ?/;
const callerColumn = /^\[ *[TC]\d+\] /;

/** A line of the log without its level, time and caller columns, and without blanks around it. */
function stripColumns(line: string): string {
  return line.replace(timeColumn, '').replace(callerColumn, '').trim();
}

function secondsOf(line: string): { seconds?: number } {
  const time = timeColumn.exec(line);
  return time === null ? {} : { seconds: Number(time[1]) };
}
