/** What a boot's steps said of themselves on their ports. */
import { existsSync, readFileSync } from 'node:fs';
import { VmError } from '../vm.ts';

/** @throws VmError when the verdict is missing or not 0. */
export function demandVerdict(path: string, consolePath: string, report: ReadonlyMap<string, string>): void {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (text === '0') return;
  const lastStep = [...report.keys()]
    .filter((key) => key.startsWith('begin.'))
    .at(-1)
    ?.slice('begin.'.length);
  const found = text === '' ? 'ended without a verdict' : `failed at step number ${text}`;
  throw new VmError(`Cannot accept the boot: the machine ${found}; the last step was "${lastStep ?? 'none'}"`, consolePath);
}

/** @throws Error when the step did not run to its end. */
export function stepStatus(report: ReadonlyMap<string, string>, step: string): number {
  const line = report.get(`end.${step}`);
  if (line === undefined) throw new Error(`Cannot tell the status of step "${step}": it did not run to its end`);
  return Number(line.split(' ')[1]);
}

export function stepSeconds(report: ReadonlyMap<string, string>): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const [key, value] of report) {
    const end = key.startsWith('begin.') ? report.get(key.replace('begin.', 'end.')) : undefined;
    if (end !== undefined) seconds.set(key.slice('begin.'.length), Number(end.split(' ')[0]) - Number(value));
  }
  return seconds;
}
