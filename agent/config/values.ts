/** Readers of single values. Each throws ConfigError `config/value` with what was expected and what was meant. */
import { badValue } from './config-error.ts';
import { nearestWord } from './nearest-word.ts';
import { quote } from './problem.ts';
import { splitWords } from './words.ts';

/** One of `choices`, spelled as there. */
export function chooseFrom<T extends string>(choices: readonly T[], value: string): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const meant = nearestWord(value, choices);
  throw badValue(`Cannot use ${quote(value)}: expected ${listed(choices)}`, meant === undefined ? undefined : `Did you mean "${meant}"?`);
}

/** `a, b or c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

const yesNo: Readonly<Record<string, boolean>> = {
  yes: true,
  1: true,
  true: true,
  on: true,
  no: false,
  0: false,
  false: false,
  off: false,
};

export function readYesNo(value: string): boolean {
  const found = Object.hasOwn(yesNo, value.toLowerCase()) ? yesNo[value.toLowerCase()] : undefined;
  if (found === undefined) throw badValue(`Cannot use ${quote(value)}: expected yes or no (1 or 0)`);
  return found;
}

export function readNumber(value: string, least: number, most: number): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= least && number <= most)) throw badValue(`Cannot use ${quote(value)}: expected a number from ${least} to ${most}`);
  return number;
}

/** Exactly one word. */
export function readOne(value: string, what: string): string {
  const words = splitWords(value);
  if (words.length === 1) return words[0];
  throw badValue(`Cannot use ${quote(value)}: expected one ${what}, found ${words.length}`);
}

/** The path of one file, absolute. */
export function readFilePath(value: string, what: string): string {
  const words = splitWords(value);
  if (words.length !== 1) {
    throw badValue(
      `Cannot use ${quote(value)}: expected one ${what} and nothing behind it`,
      'Quote a path with blanks in it; what needs arguments goes into a script',
    );
  }
  return checkAbsolute(words[0]);
}

export function checkAbsolute(path: string): string {
  if (!path.startsWith('/')) throw badValue(`Cannot use ${quote(path)}: expected an absolute path`, 'Begin it with "/"');
  if (path.split('/').includes('..')) throw badValue(`Cannot use ${quote(path)}: a path must not climb by ".."`);
  return path;
}

/** A folder, absolute, without doubled or trailing slashes. One that does not begin with a slash begins at the top of the target. */
export function readFolder(value: string): string {
  const words = splitWords(value);
  if (words.length !== 1) throw badValue(`Cannot use ${quote(value)}: expected one folder`, 'Quote a path with blanks in it');
  const path = `/${words[0]}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
  return checkAbsolute(path);
}

/** Names of kernel modules: `-` and `_` are the same to the kernel and left as written. */
export function readModuleNames(value: string): string[] {
  return splitWords(value).map((word) => {
    const name = word.replace(/^.*\//, '').replace(/\.ko(\.(xz|zst|gz))?$/, '');
    if (name !== word) throw badValue(`Cannot use ${quote(word)} as a module: expected its name, not a file`, `Write ${quote(name)}`);
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw badValue(`Cannot use ${quote(word)} as a module: expected letters, digits, "_" and "-"`);
    return name;
  });
}
