/** The status as one screen. Colours only where a terminal shows them; every line that needs attention carries the next command. */
import { printable } from '../../binary/printable.ts';
import { formatBytes } from '../../binary/units.ts';
import type { EventOutcome, EventReport } from '../../linux/panic-events.ts';
import type { Level } from './check.ts';
import { createPaint, formatChecks, maxText } from './format-checks.ts';
import { formatSeconds } from './outlook.ts';
import type { Status } from './status.ts';

const verdicts: Readonly<Record<Status['verdict'], { text: string; level: Level }>> = {
  armed: { text: 'ARMED: a crash would be captured', level: 'ok' },
  attention: { text: 'ARMED, BUT: a crash would be captured; something needs attention', level: 'warn' },
  unarmed: { text: 'NOT ARMED: a crash would not be captured', level: 'fail' },
};
export type FormatOptions = { readonly colour: boolean };

export function formatStatus(status: Status, { colour }: FormatOptions): string {
  const paint = createPaint(colour);
  const verdict = verdicts[status.verdict];
  return [
    paint(verdict.level, verdict.text),
    '',
    ...formatChecks(status.checks, paint),
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
