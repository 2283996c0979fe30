/** What the figures say, in sentences made from them: where ours is ahead, level and behind. */
import { comparisons } from './comparisons.ts';
import { type Entry, findEntry, wallOf } from './entries.ts';
import type { Row } from './table.ts';

/** A ratio within this of 1 is neither ahead nor behind. */
const tolerance = 0.03;

type Compared = { readonly name: string; readonly ratio: number };

/** @returns Lines of a Markdown list. Ratios are ours divided by theirs. */
export function readFigures(entries: readonly Entry[], rows: readonly Row[]): readonly string[] {
  const levels = [...new Set(entries.map(({ level }) => level))];
  const lines = levels.flatMap((level) => [
    sentence(`Time, \`-d ${level}\`, one worker each`, compared(entries, level, 1, timeRatio)),
    sentence(`Time, \`-d ${level}\`, two workers against the better of makedumpfile's one and two`, compared(entries, level, 2, timeRatio)),
    sentence(`Size, \`-d ${level}\``, compared(entries, level, 1, sizeRatio)),
    sentence(`Peak memory, \`-d ${level}\`, one worker each`, compared(entries, level, 1, peakRatio)),
  ]);
  const short = ['dmesg', 'version', 'tiny dump', 'tiny dump, capture settings'].flatMap((contender) => {
    const found = rows.find((row) => row.contender === contender && row.figure === 'wall');
    return found === undefined ? [] : [{ name: contender, ratio: found.ratio }];
  });
  return [...lines, sentence('Time of short runs', short)].filter((line) => line !== undefined).map((line) => `- ${line}`);
}

function compared(
  entries: readonly Entry[],
  level: number,
  workers: number,
  ratioOf: (ours: Entry, theirs: Entry) => number | undefined,
): readonly Compared[] {
  return comparisons.flatMap(({ theirName, ours }) =>
    ours.flatMap(({ name }) => {
      const own = findEntry(entries, 'kcapture', name, level, workers);
      const theirs = [1, workers].flatMap((number) => findEntry(entries, 'makedumpfile', theirName, level, number) ?? []);
      if (own === undefined || theirs.length === 0) return [];
      const best = theirs.reduce((one, other) => (wallOf(one) <= wallOf(other) ? one : other));
      const ratio = ratioOf(own, best);
      return ratio === undefined ? [] : [{ name, ratio }];
    }),
  );
}

function timeRatio(ours: Entry, theirs: Entry): number {
  return wallOf(ours) / wallOf(theirs);
}

function sizeRatio({ run: ours }: Entry, { run: theirs }: Entry): number | undefined {
  return ours && theirs && ours.outputBytes / theirs.outputBytes;
}

function peakRatio({ run: ours }: Entry, { run: theirs }: Entry): number | undefined {
  return ours && theirs && ours.peakBytes / theirs.peakBytes;
}

/** Undefined when nothing was compared. */
function sentence(subject: string, list: readonly Compared[]): string | undefined {
  if (list.length === 0) return undefined;
  const parts = [
    part(
      '**ahead** with',
      list.filter(({ ratio }) => ratio < 1 - tolerance),
    ),
    part(
      'level with',
      list.filter(({ ratio }) => Math.abs(ratio - 1) <= tolerance),
    ),
    part(
      '**behind** with',
      list.filter(({ ratio }) => ratio > 1 + tolerance),
    ),
  ];
  return `${subject}: ${parts.filter((words) => words !== '').join('; ')}.`;
}

function part(verb: string, list: readonly Compared[]): string {
  if (list.length === 0) return '';
  return `${verb} ${list.map(({ name, ratio }) => `\`${name}\` (${ratio.toFixed(2)})`).join(', ')}`;
}
