/**
 * Text from outside as it may go to a terminal: a file name, a manifest or a kernel log must not move the cursor, change colours or hide
 * what follows.
 */

/** C0 and C1 controls, DEL, line and paragraph separators, and the marks that turn the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is searched for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/g;
const pairs = /[\ud800-\udbff][\udc00-\udfff]/g;

/**
 * One line that any terminal shows as it is: each unprintable character becomes `\xNN` or `\u{NNNN}`, and text behind `maxLength` characters `…`.
 * @param maxLength Default 500.
 */
export function printable(text: string, maxLength = 500): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return splitPairs(cut);
}

/** Whole surrogate pairs are ordinary characters; halves are not. */
function splitPairs(text: string): string {
  let result = '';
  let end = 0;
  for (const { 0: pair, index } of text.matchAll(pairs)) {
    result += text.slice(end, index).replace(unprintable, asCode) + pair;
    end = index + pair.length;
  }
  return result + text.slice(end).replace(unprintable, asCode);
}

function asCode(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}
