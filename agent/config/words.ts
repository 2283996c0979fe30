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

/** The opposite of {@link splitWords}, whether or not the quotes around the whole are taken off in between. */
export function joinWords(words: readonly string[]): string {
  const joined = words.map(quoteWord).join(' ');
  const isQuotedWhole = words.length === 1 && /^(["']).*\1$/s.test(joined);
  return isQuotedWhole ? `${joined[0] === '"' ? "''" : '""'}${joined}` : joined;
}

/** No quote is left without its partner, so that a comment behind the words is seen as one. */
function quoteWord(word: string): string {
  if (word === '') return '""';
  if (/^[^"'#]*[^"'#\s]$/.test(word)) return word.replace(/[\s\\]/g, '\\$&');
  return word.replace(/[^"]+|"+/g, (run) => (run[0] === '"' ? `'${run}'` : `"${run}"`));
}
