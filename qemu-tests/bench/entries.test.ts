import t from 'tap';
import { buildEntries } from './built-entries.ts';
import { comparisons } from './comparisons.ts';
import { type Entry, rowsOfEntries } from './entries.ts';

const [zstd] = comparisons;
const find = (entries: readonly Entry[], contender: string, figure: string, level = 31) =>
  rowsOfEntries(entries, zstd, level).find((row) => row.contender === contender && row.figure === figure);

t.test('one worker is judged against one of theirs', async (t) => {
  const entries = buildEntries();
  t.match(find(entries, '-z', 'wall'), { ours: 2, theirs: 4, ratio: 0.5, target: 0.6, verdict: 'ok' });
  t.match(find(entries, '-z', 'size'), { ratio: 1.05, target: 1.08, verdict: 'ok' });
  t.match(find(entries, '-z --level 1', 'size'), { target: 1, verdict: 'over' });
  t.match(find(entries, '-z', 'filter'), { ratio: 1, target: 0.8, verdict: 'over' });
});

t.test('two workers are judged against two of theirs, the better of theirs, and one of ours', async (t) => {
  const entries = buildEntries();
  t.match(find(entries, '-z, 2 workers', 'wall'), { ours: 1, theirs: 20, target: 0.1, verdict: 'ok' });
  t.match(find(entries, '-z, 2 workers', 'wall to best'), { ours: 1, theirs: 4, ratio: 0.25, target: 0.35, verdict: 'ok' });
  t.match(find(entries, '-z, 2 workers', 'speed-up'), { ours: 2, theirs: 0.2, target: 1.7, limit: 'least', verdict: 'ok' });
  const slow = entries.map((entry) =>
    entry.program === 'kcapture' && entry.workers === 2 ? { ...entry, run: { ...entry.run!, wallSeconds: 1.25 } } : entry,
  );
  t.match(find(slow, '-z, 2 workers', 'speed-up'), { ours: 1.6, verdict: 'over' });
});

t.test('a run that was stopped counts as long as its limit, and has no other figures', async (t) => {
  const entries = buildEntries().map((entry) =>
    entry.program === 'makedumpfile' && entry.workers === 2 ? { ...entry, run: undefined, limitSeconds: 400 } : entry,
  );
  t.match(find(entries, '-z, 2 workers', 'wall'), { ours: 1, theirs: 400 });
  t.equal(find(entries, '-z, 2 workers', 'peak memory'), undefined);
  t.match(find(entries, '-z, 2 workers', 'wall to best'), { theirs: 4 });
});

t.test('targets are about one dump level', async (t) => {
  const rows = rowsOfEntries(buildEntries(0), zstd, 0);
  t.ok(rows.length > 0);
  t.strictSame(
    rows.filter(({ verdict }) => verdict !== undefined),
    [],
  );
});

t.test('what theirs cannot do has only figures of ours', async (t) => {
  const snappy = comparisons.find(({ codec }) => codec === 'p')!;
  t.strictSame(
    rowsOfEntries(buildEntries(), snappy, 31).map(({ figure }) => figure),
    ['speed-up'],
  );
});
