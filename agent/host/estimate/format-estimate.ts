/** The estimate for people: the sum line by line, what it means, and what to change. */
import { formatBytes } from '../../binary/units.ts';
import type { BootEdit } from './boot/boot-edit.ts';
import type { NeedLine } from './memory-needs.ts';
import type { Recommendation, Verdict } from './recommend.ts';

const verdicts: Readonly<Record<Verdict, string>> = {
  none: 'Nothing is reserved: a crash cannot be captured.',
  low: 'Too little is reserved: the capture kernel would most likely run out of memory.',
  tight: 'What is reserved may be enough, but without a margin.',
  good: 'What is reserved is enough.',
  generous: 'What is reserved is enough; much of it is never used.',
};

export type EstimateView = {
  readonly release: string;
  readonly recommendation: Recommendation;
  readonly edit: BootEdit;
  readonly wordsNow: readonly string[];
  /** What those words mean on this machine, a sentence each. */
  readonly explanation: readonly string[];
};

export function formatEstimate({ release, recommendation, edit, wordsNow, explanation }: EstimateView): string {
  const { needs, word, reservedBytes, verdict, defaults } = recommendation;
  const moment = { dumping: 'while the dump is written', unpacking: 'while the image is unpacked' }[needs.moment];
  const needsChange = verdict === 'none' || verdict === 'low' || verdict === 'tight';
  return [
    `Memory for capture kernel ${release}, ${moment} (the other moment takes ${formatBytes(needs.otherBytes)}):\n`,
    ...needs.lines.map(formatLine),
    `  ${'sum'.padEnd(24)}${formatBytes(needs.totalBytes).padStart(10)}\n`,
    `Recommended: ${word}\n`,
    `Reserved now: ${formatBytes(reservedBytes)}${wordsNow.length === 0 ? '' : ` (${wordsNow.join(' ')})`}. ${verdicts[verdict]}\n`,
    ...explanation.map((sentence) => `  ${sentence}\n`),
    'Others would reserve here:\n',
    ...defaults.map(({ name, bytes, text }) => `  ${formatBytes(bytes).padStart(8)}  ${name}: ${text}\n`),
    ...(needsChange ? formatEdit(edit) : []),
  ].join('');
}

export function formatEdit(edit: BootEdit): readonly string[] {
  const apply = edit.canApply ? ['  or let "kcapture estimate --apply" do it\n'] : [];
  return [
    edit.evidence === undefined ? 'What to change:\n' : `What to change (${edit.loader}, known by ${edit.evidence}):\n`,
    ...edit.steps.map((step) => `  ${step}\n`),
    ...apply,
    'Then restart. To take it back:\n',
    ...edit.undo.map((step) => `  ${step}\n`),
  ];
}

function formatLine({ what, bytes, how }: NeedLine): string {
  return `  ${what.padEnd(24)}${formatBytes(Math.round(bytes)).padStart(10)}  ${how}\n`;
}
