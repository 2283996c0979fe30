/** What every one of the three log readers is given, and what each of them fills. */
import type { Vmcoreinfo } from '../../vmcoreinfo/vmcoreinfo.ts';
import { AnalyseError } from '../analyse-error.ts';
import type { KernelMemory } from './kernel-memory.ts';
import type { LogText } from './log-text.ts';

export type LogSource = {
  readonly info: Vmcoreinfo;
  readonly memory: KernelMemory;
  /** Only what came after the last `dmesg --clear`. */
  readonly partial: boolean;
  /** Print the column that tells which thread or CPU wrote a record, if the kernel exports it. */
  readonly callers: boolean;
  /** C's `char` of the dumped machine is signed: x86 yes, arm64 no. */
  readonly signedChars: boolean;
  readonly out: LogText;
  /** Says what was left out, once each. */
  warn(message: string): void;
};

/** The largest log the kernel itself allows. @source kernel/printk/printk.c LOG_BUF_LEN_MAX */
export const maxLogBytes = 2 ** 31;

/** @throws AnalyseError `analyse/no-log` */
export function needSymbol(info: Vmcoreinfo, name: string): bigint {
  return need(info.symbol(name), `SYMBOL(${name})`);
}

/**
 * A structure size that can be allocated.
 * @throws AnalyseError `analyse/no-log`, `analyse/damaged` when it is not between 1 and 4096.
 */
export function needSize(info: Vmcoreinfo, name: string): number {
  return plausible(need(info.size(name), `SIZE(${name})`), `SIZE(${name})`, 1);
}

/** @throws AnalyseError `analyse/no-log`, `analyse/damaged` when it is not between 0 and 4096. */
export function needOffset(info: Vmcoreinfo, member: string): number {
  return plausible(need(info.offset(member), `OFFSET(${member})`), `OFFSET(${member})`, 0);
}

/**
 * A member that must lie inside its structure.
 * @throws AnalyseError `analyse/no-log`, `analyse/damaged`.
 */
export function needMember(info: Vmcoreinfo, member: string, memberBytes: number, structBytes: number): number {
  const offset = needOffset(info, member);
  if (offset + memberBytes > structBytes) {
    throw new AnalyseError('analyse/damaged', `Cannot use OFFSET(${member}): ${offset}, expected at most ${structBytes - memberBytes}`);
  }
  return offset;
}

function need<T>(value: T | undefined, key: string): T {
  if (value === undefined) {
    throw new AnalyseError('analyse/no-log', `Cannot find the kernel log: VMCOREINFO has no ${key}`);
  }
  return value;
}

function plausible(value: number, key: string, least: number): number {
  if (!Number.isInteger(value) || value < least || value > 4096) {
    throw new AnalyseError('analyse/damaged', `Cannot use ${key}: ${value}, expected ${least} to 4096`);
  }
  return value;
}
