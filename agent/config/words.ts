/** Splits a value into words, as the programs that it is handed to would: blanks part them, quotes hold them together. */
import { badValue } from './config-error.ts';
import { quote } from './problem.ts';

/** A word: bare characters, escaped ones, and quoted pieces; or a quote that is never closed. */
const piece = /\s+|\\(.)|"([^"]*)"|'([^']*)'|([^\s\\"']+)|(.)/gs;

/** @throws ConfigError `config/value` for a quote that is not closed and a backslash at the end. */
export function splitWords(value: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [all, escaped, double, single, bare, stray] of value.matchAll(piece)) {
    if (stray !== undefined) throw badValue(`Cannot split ${quote(value)} into words: ${stray} is not closed`, 'Close the quote');
    const text = escaped ?? double ?? single ?? bare;
    if (text !== undefined) word = (word ?? '') + text;
    else if (all.trim() === '' && word !== undefined) {
      words.push(word);
      word = undefined;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** The opposite of {@link splitWords}. */
export function joinWords(words: readonly string[]): string {
  return words.map(words.length === 1 ? escapeWord : quoteWord).join(' ');
}

function quoteWord(word: string): string {
  if (/^[^\s\\"'#]+$/.test(word)) return word;
  if (!word.includes('"')) return `"${word}"`;
  return word.includes("'") ? escapeWord(word) : `'${word}'`;
}

/** A word alone, without quotes around the whole of it: those would be taken off before it is split. */
function escapeWord(word: string): string {
  return word === '' ? `''""` : word.replace(/[\s\\"'#]/g, (character) => (character === '#' ? '"#"' : `\\${character}`));
}
