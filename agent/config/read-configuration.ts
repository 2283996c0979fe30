/**
 * Reads `/etc/kcapture.conf` or `/etc/kdump.conf`.
 *
 * Comes in: text. Goes out: a configuration that can be used, whatever the text was, and a problem for each line that does not mean what it
 * should. A capture must not be lost to a typing error, so a wrong line is dropped and the rest holds.
 */
import { KcaptureError } from '../errors.ts';
import type { Configuration } from './configuration.ts';
import { defaultConfiguration } from './defaults.ts';
import type { Directive } from './directive.ts';
import { directiveNames, findDirective } from './directive-table.ts';
import { createDraft, type Draft, finishDraft } from './draft.ts';
import { readStatements, type Statement } from './grammar.ts';
import { nearestWord } from './nearest-word.ts';
import { foreignHint } from './other-systems.ts';
import { createProblem, type Problem, quote } from './problem.ts';
import { replacementFor } from './replaced-words.ts';

export type Reading = {
  readonly configuration: Configuration;
  /** In the order of the lines; what concerns no single line comes last. */
  readonly problems: readonly Problem[];
};

/**
 * Never throws.
 * @param source path of the file, for `configuration.source`; one named `kdump.conf` is also read by kdump's own tools, which take less
 */
export function readConfiguration(text: string, source: string | undefined): Reading {
  const draft = createDraft({ ...defaultConfiguration, source });
  const { statements, problems } = readStatements(text);
  const seen: Seen = { lines: new Map(), problems, isShared: /(^|\/)kdump\.conf$/.test(source ?? '') };
  for (const statement of statements) readStatement(draft, statement, seen);
  const { configuration, problems: whole } = finishDraft(draft);
  return { configuration, problems: [...problems.sort((a, b) => a.line - b.line), ...whole] };
}

type Seen = {
  /** First line of each directive; all targets share one. */
  readonly lines: Map<string, number>;
  readonly problems: Problem[];
  /** True: kdump's own tools may read the same file. */
  readonly isShared: boolean;
};

function readStatement(draft: Draft, statement: Statement, seen: Seen): void {
  const { line, name, value, written } = statement;
  const say = (severity: Problem['severity'], message: string, hint?: string) => {
    seen.problems.push(createProblem(line, severity, message, hint));
  };
  const directive = findDirective(name);
  if (directive === undefined)
    return say('error', `Cannot use ${quote(name.split('=')[0])}: there is no such directive`, hintFor(statement));
  if (value === '') return say('error', `Cannot use ${name}: no value behind it`, `Write "${name} ${directive.value}"`);
  if (name === directive.formerName)
    say('warning', `"${name}" is the former name of ${directive.name}`, `Write "${directive.name} ${value}"`);
  noteRepetition(directive, line, seen, say);
  try {
    directive.apply(draft, { value, written, line, warn: (message, hint) => say('warning', message, hint) });
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    say('error', `${name}: ${error.message}`, error.hint);
  }
}

function noteRepetition(
  { name, isTarget, repeats, origin }: Directive,
  line: number,
  { lines, isShared }: Seen,
  say: (severity: Problem['severity'], message: string, hint?: string) => void,
): void {
  const key = isTarget ? 'target' : name;
  const first = lines.get(key);
  lines.set(key, first ?? line);
  const elsewhere = 'Put it into /etc/kcapture.conf, which wins over /etc/kdump.conf';
  if (isShared && origin === 'kcapture') say('warning', `kdump's own tools do not know "${name}" and refuse the file`, elsewhere);
  if (first === undefined) return;
  if (!isTarget && !repeats) say('error', `${name} stands on line ${first} already: the last one holds`, 'Remove one of the lines');
  else if (isShared)
    say('warning', `kdump's own tools refuse a second ${key} (the first is on line ${first}); kcapture uses them all`, elsewhere);
}

/** Never quotes the value: it may be a secret behind a word that nobody knows. */
function hintFor({ name }: Statement): string {
  const [bare, behind] = name.split(/=(.*)/s);
  if (behind !== undefined && findDirective(bare)) return `Write "${bare} VALUE": a blank, no "="`;
  const known = replacementFor(bare) ?? foreignHint(bare);
  if (known !== undefined) return known;
  const meant = nearestWord(bare, directiveNames);
  return meant === undefined ? 'See "kcapture config directives"' : `Did you mean "${meant}"?`;
}
