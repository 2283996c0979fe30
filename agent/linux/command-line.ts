/**
 * A kernel command line as words: taken apart the way the kernel does it, changed word by word, put together again.
 *
 * A word ends at white space that stands outside double quotes; quotes stay part of the word's text. Single quotes mean nothing to the kernel.
 * In names `-` and `_` are the same.
 *
 * @source lib/cmdline.c, next_arg(); kernel/params.c, parameq()
 */

export type KernelWord = {
  /** As it stands on the line, quotes included. */
  readonly text: string;
  readonly name: string;
  /** Without quotes around it; `undefined` when there is no `=`. */
  readonly value: string | undefined;
};

/** Never fails: a quote that is not closed reaches to the end, as in the kernel. */
export function parseCommandLine(line: string): readonly KernelWord[] {
  return splitWords(line).map(parseWord);
}

function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quoted = false;
  for (const character of line) {
    if (character === '"') quoted = !quoted;
    if (!quoted && isSpace(character)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += character;
    }
  }
  return word === '' ? words : [...words, word];
}

function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r' || character === '\v' || character === '\f';
}

function parseWord(text: string): KernelWord {
  const bare = text.startsWith('"') ? text.replace(/^"(.*?)"?$/s, '$1') : text;
  const equals = bare.indexOf('=');
  // The kernel looks for "=" from the second character on.
  if (equals <= 0) return { text, name: bare, value: undefined };
  return { text, name: bare.slice(0, equals), value: bare.slice(equals + 1).replace(/^"(.*?)"?$/s, '$1') };
}

/** One line, words separated by one space. */
export function formatCommandLine(words: readonly KernelWord[]): string {
  return words.map((word) => word.text).join(' ');
}

/** True when the kernel takes both for the same name. */
export function sameName(a: string, b: string): boolean {
  return a.replaceAll('-', '_') === b.replaceAll('-', '_');
}

/** Every word of that name, in order. */
export function findWords(words: readonly KernelWord[], name: string): readonly KernelWord[] {
  return words.filter((word) => sameName(word.name, name));
}

/** The value of the last word of that name, which is the one that counts for most; `undefined` when there is none, `''` when it has no value. */
export function lastValue(words: readonly KernelWord[], name: string): string | undefined {
  const found = findWords(words, name).at(-1);
  return found === undefined ? undefined : (found.value ?? '');
}

/**
 * Takes out every word that one of `patterns` means: `quiet` and `root` mean any word of that name, whatever its value; `console=hvc0` means that
 * word with that value only.
 */
export function removeWords(words: readonly KernelWord[], patterns: readonly string[]): readonly KernelWord[] {
  const wanted = patterns.flatMap((pattern) => parseCommandLine(pattern));
  return words.filter((word) => !wanted.some((pattern) => matches(word, pattern)));
}

function matches(word: KernelWord, pattern: KernelWord): boolean {
  return sameName(word.name, pattern.name) && (pattern.value === undefined || pattern.value === word.value);
}

/** Adds the words of `line` at the end. */
export function appendWords(words: readonly KernelWord[], line: string): readonly KernelWord[] {
  return [...words, ...parseCommandLine(line)];
}

/** Bytes the line has in memory, without the NUL behind it. */
export function commandLineBytes(line: string): number {
  return new TextEncoder().encode(line).length;
}
