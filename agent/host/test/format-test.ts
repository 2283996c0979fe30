/** The results of the three tests, for people. */
import { printable } from '../../binary/printable.ts';
import { formatBytes } from '../../binary/units.ts';
import { formatPlan } from '../load/format-load.ts';
import { formatChecks, type Paint } from '../status/format-checks.ts';
import type { CrashTestResult } from './crash-test.ts';
import type { DryRun } from './dry-run.ts';
import type { Floor } from './vm/find-floor.ts';
import type { VmResult } from './vm/vm-test.ts';

export function formatDryRun({ passed, checks, plan, problems }: DryRun, paint: Paint): string {
  const verdict = passed
    ? paint('ok', 'PASSED: everything but the crash itself was tried; "kcapture test --vm" tries the capture too')
    : paint('fail', 'FAILED: a crash would not be captured as configured');
  const lines = [...formatChecks(checks, paint), '', verdict];
  return `${plan === undefined ? '' : `${formatPlan(plan, problems)}\n`}${lines.map((line) => `${line}\n`).join('')}`;
}

/** @param consoleTail shown when it failed. */
export function formatVmResult(result: VmResult, paint: Paint, consoleTail: readonly string[]): string {
  const checks = result.findings.map(({ name, passed, text }) => ({ name, level: passed ? ('ok' as const) : ('fail' as const), text }));
  const lines = [
    ...formatChecks(checks, paint),
    ...measurements(result).map((text) => `      ${text}`),
    '',
    result.passed ? paint('ok', 'PASSED: the capture kernel and its image saved a made crash and restarted') : paint('fail', 'FAILED'),
    ...(result.passed ? [] : ['', 'The end of the console:', ...consoleTail.map((line) => `  ${printable(line)}`)]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function measurements({ memoryBytes, seconds, accelerator, dmesgMs, availableBytes, peakBytes }: VmResult): readonly string[] {
  const how = accelerator === 'kvm' ? 'with KVM' : 'emulated, several times slower than the machine';
  return [
    `${formatBytes(memoryBytes)} of memory, ${seconds.toFixed(0)} s in all (${how})`,
    ...(dmesgMs === undefined ? [] : [`the log was on the disk ${(dmesgMs / 1000).toFixed(1)} s after the capture started`]),
    ...(availableBytes === undefined
      ? []
      : [`the capture kernel had ${formatBytes(availableBytes)}, the capture used ${formatBytes(peakBytes ?? 0)} at most`]),
    'not tried: the driver of the disk that is the real target',
  ];
}

export function formatFloor({ worksBytes, failsBytes, runs }: Floor): string {
  const rows = runs.map(
    ({ memoryBytes, passed, end, seconds }) =>
      `  ${formatBytes(memoryBytes).padStart(9)}  ${passed ? 'works' : `fails (${end})`}  ${seconds.toFixed(0)} s\n`,
  );
  const advice = 'Real devices need more than virtual ones: reserve a good part above it, or ask: kcapture estimate';
  return `${rows.join('')}The least that works is ${formatBytes(worksBytes)}; ${formatBytes(failsBytes)} does not. ${advice}\n`;
}

export function formatCrashResult({ outcome, startedAt, text, hint }: CrashTestResult, paint: Paint): string {
  const level = { passed: 'ok', failed: 'fail', pending: 'note' } as const;
  const first = `${paint(level[outcome], outcome.toUpperCase())}: the crash test of ${printable(startedAt)}: ${printable(text)}\n`;
  return hint === undefined ? first : `${first}  -> ${printable(hint)}\n`;
}
