import t from 'tap';
import { Bitmap } from './bitmap.ts';

t.test('setRange() and clearRange() agree with bit by bit for every start and end', (t) => {
  for (let size = 1; size <= 40; size += 13) {
    for (let start = -1; start <= size; start++) {
      for (let end = start; end <= size + 2; end++) {
        const slow = new Bitmap(size);
        for (let pfn = start; pfn < end; pfn++) slow.set(pfn);
        const fast = new Bitmap(size);
        fast.setRange(start, end);
        if (!Buffer.from(fast.bytes).equals(slow.bytes)) t.fail(`setRange(${start}, ${end}) of ${size}`);
        const rest = new Bitmap(size);
        rest.setRange(0, size);
        const cleared = rest.clearRange(start, end);
        if (cleared !== fast.count() || rest.clearRange(start, end) !== 0)
          t.fail(`clearRange(${start}, ${end}) of ${size} counts ${cleared}`);
        if (rest.count() + fast.count() !== size) t.fail(`clearRange(${start}, ${end}) of ${size}`);
      }
    }
  }
  t.pass('all agree');
  t.end();
});

t.test('ranges() gives back what setRange() took', (t) => {
  const runs = [
    { start: 0, end: 3 },
    { start: 7, end: 8 },
    { start: 9, end: 64 },
    { start: 1000, end: 1003 },
  ];
  const bitmap = Bitmap.fromRanges(1003, runs);
  t.same([...bitmap.ranges()], runs);
  t.equal(bitmap.count(), 3 + 1 + 55 + 3);
  t.equal(bitmap.nextSet(8), 9);
  t.equal(bitmap.nextClear(9), 64);
  t.equal(bitmap.nextSet(1003), 1003);
  t.end();
});

t.test('has() is false outside the bitmap', (t) => {
  const bitmap = Bitmap.fromRanges(8, [{ start: 0, end: 8 }]);
  t.notOk(bitmap.has(-1));
  t.notOk(bitmap.has(8));
  t.ok(bitmap.has(7));
  t.end();
});

t.test('a byte array that is too short is refused', (t) => {
  t.throws(() => new Bitmap(9, new Uint8Array(1)), { code: 'bitmap/short' });
  t.end();
});

t.test('a bitmap for more than 64 TiB of pages, or of no size at all, is refused', (t) => {
  for (const size of [2 ** 34 + 1, 2 ** 40, Number.POSITIVE_INFINITY, -1, Number.NaN]) {
    t.throws(() => new Bitmap(size), { code: 'bitmap/too-large' }, String(size));
  }
  t.equal(Bitmap.fromRanges(2 ** 20, [{ start: 0, end: 2 ** 40 }]).count(), 2 ** 20);
  t.end();
});
