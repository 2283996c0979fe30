/** What earlier crashes left: the last captures, and how far an interrupted one came. */
import type { SavedDump } from '../saved/saved-dump.ts';
import type { Check } from './check.ts';
import type { StatusFacts } from './facts.ts';

export function checkCaptures({ captures, breadcrumbs }: StatusFacts): readonly Check[] {
  const [latest] = captures;
  return [...(latest === undefined ? [] : [describeLatest(latest)]), ...describeMarks(breadcrumbs, captures)];
}

function describeLatest(latest: SavedDump): Check {
  const name = 'last capture';
  const what = `${latest.time}, ${latest.panic ?? 'panic unknown'}`;
  const hint = `kcapture show ${latest.folder}`;
  if (latest.status === 'complete') return { name, level: 'ok', text: `complete: ${what}`, hint };
  const words = { partial: 'partial', 'dmesg-only': 'log only', failed: 'failed', interrupted: 'interrupted', empty: 'empty' } as const;
  return { name, level: 'note', text: `${words[latest.status]}: ${what}`, hint };
}

/** A mark that says "finished" belongs to a capture that lies there; any other tells of one that did not come to its end. */
function describeMarks(marks: StatusFacts['breadcrumbs'], captures: readonly SavedDump[]): readonly Check[] {
  return marks
    .filter(({ stage, name }) => stage !== 'finished' && !captures.some((saved) => saved.name === name && saved.manifest !== undefined))
    .map(({ stage, name, detail, place }) => {
      const text = `a capture${name === '' ? '' : ` (${name})`} came as far as "${stage}"${detail === '' ? '' : `: ${detail}`}; nothing later is known (${place})`;
      return { name: 'interrupted', level: 'note', text, hint: 'Try the whole way without a crash: kcapture test --vm' };
    });
}

/** A machine that crashes again and again saves the log only, and one capture more is one too many. */
export function checkLoop({ recentCaptures, configuration: { loopLimit, path } }: StatusFacts): readonly Check[] {
  const { captures, windowSeconds } = loopLimit;
  if (captures === 0 || recentCaptures < captures) return [];
  const text = `${recentCaptures} captures within ${Math.round(windowSeconds / 60)} minutes: the limit of ${captures} is reached, only the log is saved now`;
  return [{ name: 'crash loop', level: 'warn', text, hint: `Find the cause, or move the captures away from ${path}: kcapture show` }];
}

export function checkCrashTest({ crashTest }: StatusFacts): readonly Check[] {
  if (crashTest === undefined) return [];
  const { outcome, startedAt, text, hint } = crashTest;
  const level = { passed: 'ok', failed: 'warn', pending: 'note' } as const;
  return [{ name: 'crash test', level: level[outcome], text: `${outcome}, ${startedAt}: ${text}`, hint: hint ?? 'kcapture test --result' }];
}
