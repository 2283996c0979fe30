import { spawnSync } from 'node:child_process';
import t from 'tap';
import { buildEntries } from './built-entries.ts';
import { drawPicture, layOut, ticks } from './picture.ts';
import { contains, overlap } from './place-labels.ts';

/** An XML parser that is not ours. Prints how many elements there are of each kind. */
const parse = `
import collections, json, sys, xml.etree.ElementTree as tree
print(json.dumps(collections.Counter(e.tag.split('}')[1] for e in tree.fromstring(sys.stdin.buffer.read()).iter())))
`;

const both = [...buildEntries(31), ...buildEntries(0)];

t.test('the picture is well-formed, with a mark for every run', async (t) => {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', parse], {
    input: drawPicture(both, 'a <vmcore> & more'),
    encoding: 'utf8',
  });
  t.equal(status, 0, stderr);
  const counts = JSON.parse(stdout);
  // The legend has a disc for each program and one for one worker, and a diamond.
  t.equal(counts.circle, both.filter(({ workers }) => workers === 1).length + 3);
  t.equal(counts.polygon, both.filter(({ workers }) => workers === 2).length + 1);
});

t.test('marks and labels are inside their panel, labels apart', async (t) => {
  const panels = layOut(both);
  t.strictSame(
    panels.map(({ level }) => level),
    [31, 0],
  );
  for (const { area, marks, labels } of panels) {
    t.equal(labels.length, marks.length);
    t.ok(marks.every(({ x, y }) => contains(area, { x, y, width: 0, height: 0 })));
    t.ok(labels.every(({ box }) => contains(area, box)));
    t.notOk(labels.some(({ box }, index) => labels.some((other, at) => at > index && overlap(box, other.box))));
  }
});

t.test('faster is farther left, smaller is farther down', async (t) => {
  const [{ marks }] = layOut(buildEntries());
  const at = (program: string, mode: string, workers: number) =>
    marks.find(({ entry }) => entry.program === program && entry.mode === mode && entry.workers === workers)!;
  t.ok(at('kcapture', '-z', 1).x < at('makedumpfile', '-z', 1).x);
  t.ok(at('kcapture', '-z', 2).x < at('kcapture', '-z', 1).x);
  t.ok(at('makedumpfile', '-z', 1).y > at('kcapture', '-z', 1).y);
  const steps = [at('kcapture', '-z', 1), at('makedumpfile', '-z', 1)].map(({ x }) => x);
  const same = [at('kcapture', '-c', 1), at('makedumpfile', '-c', 1)].map(({ x }) => x);
  t.ok(Math.abs(steps[1] - steps[0] - (same[1] - same[0])) < 0.01, 'equal ratios are equally far apart');
});

t.test('a run that was stopped has no place', async (t) => {
  const entries = buildEntries().map((entry) => (entry.mode === '-c' ? { ...entry, run: undefined, limitSeconds: 400 } : entry));
  t.notOk(layOut(entries)[0].marks.some(({ entry }) => entry.mode === '-c'));
  t.throws(() => layOut([]), RangeError);
});

t.test('axes have at least three ticks', async (t) => {
  t.strictSame(ticks({ from: 0.4, to: 30 }), [0.5, 1, 2, 5, 10, 20]);
  t.strictSame(ticks({ from: 2.1, to: 5.5 }), [2.5, 3, 4, 5]);
});
