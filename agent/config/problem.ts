/** What is wrong in a configuration, where, and what was meant. Nothing in it is secret and all of it is printable. */
import { printable } from '../binary/printable.ts';
import { redact } from './redact.ts';

export type Problem = {
  /** 1-based; 0: no line, but the whole or the kernel's command line. */
  readonly line: number;
  /** `error`: the line was dropped or says two things. `warning`: it was used, and may not do what was wanted. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
};

export function createProblem(line: number, severity: Problem['severity'], message: string, hint?: string): Problem {
  const clean = (text: string) => printable(redact(text), 400);
  return { line, severity, message: clean(message), ...(hint === undefined ? {} : { hint: clean(hint) }) };
}

/** `/etc/kcapture.conf:12: error: …`, the hint on a line of its own. */
export function formatProblem(source: string, { line, severity, message, hint }: Problem): string {
  const where = line === 0 ? source : `${source}:${line}`;
  return `${where}: ${severity}: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`;
}

/** A piece of the file in a message: short, in quotes. */
export function quote(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}
