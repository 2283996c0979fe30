/** Which old dumps may go. */
import { badValue } from '../config-error.ts';
import type { Keep } from '../configuration.ts';
import type { Directive } from '../directive.ts';
import { readDuration } from '../limits.ts';
import { parseSize } from '../quantity.ts';
import { quote } from '../problem.ts';
import { readNumber } from '../values.ts';

export const keepDirectives: readonly Directive[] = [
  {
    name: 'keep',
    value: 'all|[N] [SIZE] [AGE]',
    meaning:
      'Old dumps that stay, the new one counted: at most so many, so large together, so old; each limit holds by itself. They go only when the new dump is safe, oldest first, and the new one never does.',
    default: 'all',
    examples: ['5', '20G', '30d', '5 20G 30d', 'all'],
    origin: 'kcapture',
    apply: (draft, { value }) => {
      draft.keep = value === 'all' ? {} : readKeep(value.split(/\s+/));
    },
  },
];

/** Digits alone are a count; a capital unit is a size, a small one an age. */
function readKeep(words: readonly string[]): Keep {
  const keep: { -readonly [Key in keyof Keep]: Keep[Key] } = {};
  for (const word of words) {
    const [key, amount] = readLimit(word);
    if (keep[key] !== undefined) throw badValue(`Cannot use ${quote(word)}: the line has such a limit already`);
    keep[key] = amount;
  }
  return keep;
}

function readLimit(word: string): [keyof Keep, number] {
  if (word === '0')
    throw badValue('Cannot keep 0 dumps: the new one always stays', 'Write "keep 1" for only the newest, "keep all" to delete none');
  if (/^\d+$/.test(word)) return ['count', readNumber(word, 1, 100_000)];
  if (/^\d+[hdw]$/.test(word)) return ['ageSeconds', readDuration(word, 'keep')];
  if (/^\d+[ms]$/.test(word)) {
    throw badValue(
      `Cannot use ${quote(word)}: an age of minutes or seconds would leave nothing`,
      `Did you mean a size? Write "${word.slice(0, -1)}M"`,
    );
  }
  if (!/^\d/.test(word))
    throw badValue(`Cannot use ${quote(word)}: expected a count, a size (20G) or an age (30d)`, 'Write for instance keep 5 20G 30d');
  const bytes = parseSize(word);
  if (bytes === 0) throw badValue(`Cannot keep ${quote(word)}: the new dump always stays`);
  return ['totalBytes', bytes];
}
