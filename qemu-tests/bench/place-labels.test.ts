import t from 'tap';
import { contains, crosses, type LabelWish, type Line, overlap, placeLabels } from './place-labels.ts';

const area = { x: 50, y: 20, width: 800, height: 400 };
const sizes = { characterWidth: 8, height: 16, markRadius: 6 };

t.test('no label lies on another, on a mark, on a line or outside', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const wishes = crowd(seed, 14);
    const lines: Line[] = [[wishes[0], wishes[1]]];
    const labels = placeLabels(wishes, lines, area, sizes);
    t.strictSame(
      labels.map(({ x, y, text }) => ({ x, y, text })),
      wishes,
      'in the order of the wishes',
    );
    const marks = wishes.map(({ x, y }) => ({ x: x - 6, y: y - 6, width: 12, height: 12 }));
    const faults = labels.filter(
      ({ box }, index) =>
        !contains(area, box) ||
        marks.some((mark) => overlap(mark, box)) ||
        lines.some((line) => crosses(line, box)) ||
        labels.some((other, at) => at !== index && (overlap(other.box, box) || crosses(other.line, box))),
    );
    t.strictSame(faults, [], `crowd ${seed}`);
  }
});

t.test('in a dense crowd, too, no label lies on another, on a mark or outside', async (t) => {
  for (let seed = 1; seed <= 6; seed++) {
    const wishes = crowd(seed, 40);
    const labels = placeLabels(wishes, [], area, sizes);
    const marks = wishes.map(({ x, y }) => ({ x: x - 6, y: y - 6, width: 12, height: 12 }));
    const faults = labels.filter(
      ({ box }, index) =>
        !contains(area, box) ||
        marks.some((mark) => overlap(mark, box)) ||
        labels.some((other, at) => at !== index && overlap(other.box, box)),
    );
    t.strictSame(faults, [], `crowd ${seed}`);
  }
});

t.test('a point alone has its label above it, without a line', async (t) => {
  const [{ box, line }] = placeLabels([{ x: 400, y: 200, text: '-z' }], [], area, sizes);
  t.equal(box.x + box.width / 2, 400);
  t.ok(box.y + box.height < 194 && box.y > 160);
  t.equal(line, undefined);
});

t.test('points at one place all get a label, those apart from it a line', async (t) => {
  const wishes = Array.from({ length: 12 }, (_, index) => ({ x: 400, y: 200, text: `uncompressed ${index}` }));
  const labels = placeLabels(wishes, [], area, sizes);
  t.ok(labels.some(({ line }) => line !== undefined));
  for (const { line } of labels.filter((label) => label.line !== undefined)) t.ok(Math.hypot(line![0].x - 400, line![0].y - 200) <= 6.001);
});

t.test('without room it is an error', async (t) => {
  t.throws(
    () => placeLabels([{ x: 60, y: 30, text: 'far too long for this' }], [], { x: 50, y: 20, width: 60, height: 40 }, sizes),
    RangeError,
  );
});

/** Points and words that look random and are the same for the same seed; half of them lie close together. */
function crowd(seed: number, count: number): readonly LabelWish[] {
  let state = seed;
  const next = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return ((state >>> 8) % 10_000) * (below / 10_000);
  };
  return Array.from({ length: count }, (_, index) => {
    const isClose = index % 2 === 0;
    const [x, y] = isClose ? [400 + next(80), 200 + next(40)] : [80 + next(740), 40 + next(360)];
    return { x, y, text: ['-z', '-l ×2', 'uncompressed', '-z --level 1 ×2'][index % 4] };
  });
}
