/** The status as one screen. Colours only where a terminal shows them; every line that needs attention carries the next command. */
import { printable } from '../../binary/printable.ts';
import { formatBytes } from '../../binary/units.ts';
import type { EventOutcome, EventReport } from '../../linux/panic-events.ts';
import type { Check, Level } from './check.ts';
import { formatSeconds } from './outlook.ts';
import type { Status } from './status.ts';

const verdicts: Readonly<Record<Status['verdict'], { text: string; level: Level }>> = {
  armed: { text: 'ARMED: a crash would be captured', level: 'ok' },
  attention: { text: 'ARMED, BUT: a crash would be captured; something needs attention', level: 'warn' },
  unarmed: { text: 'NOT ARMED: a crash would not be captured', level: 'fail' },
};
const marks: Readonly<Record<Level, string>> = { ok: 'ok  ', note: 'note', warn: 'WARN', fail: 'FAIL' };
const colours: Readonly<Record<Level, string>> = { ok: '32', note: '36', warn: '33', fail: '31' };
const maxText = 300;

export type FormatOptions = { readonly colour: boolean };

export function formatStatus(status: Status, { colour }: FormatOptions): string {
  const paint = (level: Level, text: string) => (colour ? `\x1b[${colours[level]}m${text}\x1b[0m` : text);
  const verdict = verdicts[status.verdict];
  const width = Math.max(...status.checks.map(({ name }) => name.length));
  return [
    paint(verdict.level, verdict.text),
    '',
    ...status.checks.flatMap((check) => checkLines(check, width, paint)),
    ...estimateLines(status),
    '',
    ...eventLines(status),
    '',
    'What would happen on a crash:',
    ...status.outlook.map((sentence) => `  ${printable(sentence, maxText)}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function checkLines({ name, level, text, hint }: Check, width: number, paint: (level: Level, text: string) => string): readonly string[] {
  const line = `${paint(level, marks[level])}  ${name.padEnd(width)}  ${printable(text, maxText)}`;
  return hint === undefined || level === 'ok' ? [line] : [line, `${' '.repeat(width + 8)}-> ${printable(hint, maxText)}`];
}

function estimateLines({ estimate }: Status): readonly string[] {
  if (estimate === undefined) return [];
  const source = estimate.source === 'page flags' ? 'counted page by page' : 'from the sums of /proc/meminfo';
  const kept = `keeps ${formatBytes(estimate.keptBytes)} of memory (${source})`;
  return [
    '',
    `A dump now ${kept}, about ${formatBytes(estimate.dumpBytes)} on disk, in about ${formatSeconds(estimate.seconds)}. This is an estimate.`,
  ];
}

const outcomeTitles: readonly (readonly [EventOutcome, string])[] = [
  ['dump', 'Leads to a dump'],
  ['no-dump', 'Does not'],
  ['unknown', 'Not known'],
  ['absent', 'Not noticed by this kernel'],
];

function eventLines({ events, verdict }: Status): readonly string[] {
  const groups = outcomeTitles.map(([outcome, title]) => [title, events.filter((event) => event.outcome === outcome)] as const);
  const off = events.filter(({ outcome }) => outcome === 'no-dump').map(({ name }) => name);
  const when = verdict === 'unarmed' ? ' (once the machine is armed)' : '';
  return [
    `Events${when}`,
    ...groups.filter(([, group]) => group.length > 0).map(([title, group]) => `  ${title}: ${group.map(describeEvent).join(', ')}`),
    ...(off.length === 0
      ? []
      : [`  -> kcapture install --panic-on=${off.filter((name) => name !== 'warn' && name !== 'oom').join(',') || off.join(',')}`]),
  ];
}

/** The switch that decides is what one can check; where nothing is set, `--json` has it. */
function describeEvent({ name, because, outcome }: EventReport): string {
  return (outcome === 'dump' && because !== 'always') || outcome === 'unknown' ? `${name} (${because})` : name;
}
