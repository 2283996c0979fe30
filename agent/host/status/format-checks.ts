/** Checks as lines: level, name, text, and below it what to type next. */
import { printable } from '../../binary/printable.ts';
import type { Check, Level } from './check.ts';

const marks: Readonly<Record<Level, string>> = { ok: 'ok  ', note: 'note', warn: 'WARN', fail: 'FAIL' };
const colours: Readonly<Record<Level, string>> = { ok: '32', note: '36', warn: '33', fail: '31' };
export const maxText = 300;

export type Paint = (level: Level, text: string) => string;

/** @param colour true where a terminal shows it. */
export function createPaint(colour: boolean): Paint {
  return (level, text) => (colour ? `\x1b[${colours[level]}m${text}\x1b[0m` : text);
}

export function formatChecks(checks: readonly Check[], paint: Paint): readonly string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  return checks.flatMap(({ name, level, text, hint }) => {
    const line = `${paint(level, marks[level])}  ${name.padEnd(width)}  ${printable(text, maxText)}`;
    return hint === undefined || level === 'ok' ? [line] : [line, `${' '.repeat(width + 8)}-> ${printable(hint, maxText)}`];
  });
}
