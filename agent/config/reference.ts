/** The tables of docs/configuration.md, made from the tables of this room so that the two cannot differ. */
import type { Directive } from './directive.ts';
import { directives } from './directive-table.ts';
import { kernelWords } from './kernel-words.ts';
import { otherSystems, type Saying } from './other-systems.ts';
import { replacedWords } from './replaced-words.ts';

/** Name → Markdown of one table. */
export function referenceTables(): Record<string, string> {
  const others = Object.entries(otherSystems).map(([system, { sayings }]) => [system, table(['there', 'here'], sayings.map(sayingRow))]);
  return {
    directives: table(['word', 'default', 'meaning'], directives.map(directiveRow)),
    'kernel-words': table(
      ['word', 'meaning'],
      kernelWords.map(({ name, value, meaning }) => [code(`${name}=${value}`), meaning]),
    ),
    replaced: table(
      ['word', 'instead'],
      Object.entries(replacedWords).map(([word, instead]) => [code(word), instead.replace(/"([^"]*)"/g, '`$1`')]),
    ),
    ...Object.fromEntries(others),
  };
}

function directiveRow({ name, value, formerName, default: preset, meaning, origin, repeats, isTarget }: Directive): string[] {
  const marks = [origin === 'kcapture' ? ' *new*' : '', formerName === undefined ? '' : `, formerly ${code(formerName)}`];
  const notes = repeats || isTarget ? ' May stand on several lines.' : '';
  return [`${code(`${name} ${value}`)}${marks.join('')}`, isWritten(preset, value) ? code(preset) : preset, `${meaning}${notes}`];
}

/** A default that could be typed, not one in words. */
function isWritten(preset: string, value: string): boolean {
  if (preset === 'none') return value.endsWith('|none');
  return /^(\S+|\d.*|kcapture .*)$/.test(preset);
}

function sayingRow([variable, here]: Saying): string[] {
  return [code(variable), here.replace(/^- /, 'not said: ').replace(/\bas ([A-Z_]+)$/, 'as `$1`')];
}

function code(text: string): string {
  return `\`${text}\``;
}

/** A `|` inside a cell would end it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

/**
 * The document with each table between `<!-- table: NAME -->` and `<!-- end -->` made anew.
 * @throws Error for a marker that names no table
 */
export function renewTables(document: string): string {
  const tables = referenceTables();
  return document.replace(/(<!-- table: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g, (_all, open: string, name: string, end: string) => {
    if (tables[name] === undefined) throw new Error(`Cannot make the table "${name}": there is none of this name`);
    return `${open}${tables[name]}${end}`;
  });
}
