/**
 * The grammar of kdump.conf: one `name value` a line.
 *
 * Comes in: text. Goes out: statements with their lines, and what could not be read. `#` begins a comment, at the start of a line and behind a
 * value, but not inside quotes. Quotes around a whole value are taken off.
 *
 * @source kdump.conf(5); facts §1.1
 */
import { createProblem, type Problem, quote } from './problem.ts';

export type Statement = {
  readonly line: number;
  readonly name: string;
  /** Without the quotes around the whole of it. */
  readonly value: string;
  /** With them: what is one word stays one. */
  readonly written: string;
};

/** No line of a configuration is longer; what is, is not a configuration. */
const maxLine = 8192;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
const control = /[\u0000-\u0008\u000b-\u001f\u007f]/;

/** Lines that cannot be read are left out and said in `problems`. Never throws. */
export function readStatements(text: string): { statements: Statement[]; problems: Problem[] } {
  const statements: Statement[] = [];
  const problems: Problem[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    if (/^\s*(#|$)/.test(raw)) continue;
    if (raw.length > maxLine) {
      problems.push(createProblem(line, 'error', `Cannot read a line of ${raw.length} characters: expected at most ${maxLine}`));
    } else if (control.test(raw)) {
      problems.push(createProblem(line, 'error', 'Cannot read a line with control characters in it', 'Is this a text file?'));
    } else {
      const { name, written, cutsWord } = readLine(raw);
      if (cutsWord) problems.push(warnOfCut(line, written));
      statements.push({ line, name, written, value: takeOffQuotes(written) });
    }
  }
  return { statements, problems };
}

function readLine(raw: string): { name: string; written: string; cutsWord: boolean } {
  const [, name, behind] = raw.match(/^\s*([^\s#]+)(.*)$/) ?? ['', '', ''];
  const comment = findComment(behind);
  const cutsWord = comment > 0 && comment < behind.length && !/\s/.test(behind[comment - 1]);
  return { name, written: behind.slice(0, comment).trim(), cutsWord };
}

/**
 * A value so written that it is read as it is.
 * @returns `undefined` when no quotes can do that: it holds both kinds, and a `#` between them
 */
export function writeValue(value: string): string | undefined {
  return [value, `"${value}"`, `'${value}'`].find((written) => {
    const statement = readLine(`x ${written}`);
    return takeOffQuotes(statement.written) === value;
  });
}

/** Where the comment begins; the length when there is none. A quote that is never closed holds nothing together. */
function findComment(text: string): number {
  for (const { 0: token, index } of text.matchAll(/"[^"]*"|'[^']*'|#/g)) if (token === '#') return index;
  return text.length;
}

function takeOffQuotes(value: string): string {
  const [, , inner] = value.match(/^("|')(.*)\1$/) ?? [];
  return inner === undefined || inner.includes(value[0]) ? value : inner;
}

function warnOfCut(line: number, value: string): Problem {
  return createProblem(
    line,
    'warning',
    `A "#" begins a comment, here in the middle of a word: what is left is ${quote(value)}`,
    'Put quotes around a value that holds "#", or a blank before a comment',
  );
}
