import t from 'tap';
import { Bitmap } from './bitmap.ts';
import { countWithin, cutIntoWindows, rangesInWindows, wholeBitmap } from './windows.ts';

const ranges = [
  { start: 3, end: 17 },
  { start: 64, end: 65 },
  { start: 70, end: 900 },
  { start: 1003, end: 1005 },
];

t.test('ranges in windows of any size are the bitmap of the ranges', (t) => {
  for (const size of [0, 1, 8, 17, 64, 700, 1005, 1100]) {
    const whole = Bitmap.fromRanges(size, ranges);
    for (const windowBits of [1, 8, 13, 64, 100, 1100, 1e9, Number.POSITIVE_INFINITY]) {
      const windowed = rangesInWindows(size, ranges, windowBits);
      for (let pass = 0; pass < 2; pass++) {
        const found = new Uint8Array(whole.bytes.length);
        let end = 0;
        let windows = 0;
        for (const { start, bits } of windowed.windows()) {
          if (start !== end || start % 8 !== 0) t.fail(`a window starts at ${start}, the one before ended at ${end}`);
          if (bits.sizeBits > Math.max(8, windowBits) || bits.sizeBits === 0)
            t.fail(`a window of ${bits.sizeBits} instead of ${windowBits}`);
          found.set(bits.bytes, start / 8);
          end = start + bits.sizeBits;
          windows++;
        }
        t.same([end, windows], [size, windowed.windowCount]);
        if (!whole.bytes.every((byte, index) => byte === found[index])) t.fail(`${size} page frames in windows of ${windowBits}`);
      }
    }
  }
  t.end();
});

t.test('pages of a window are counted as bits are', (t) => {
  const whole = Bitmap.fromRanges(1005, ranges);
  const cut = cutIntoWindows(1005, 40);
  for (let index = 0; index < cut.count; index++) {
    const window = cut.range(index);
    let expected = 0;
    for (let pfn = window.start; pfn < window.end; pfn++) if (whole.has(pfn)) expected++;
    if (countWithin(window, ranges) !== expected) t.fail(`window ${index}: ${countWithin(window, ranges)} instead of ${expected}`);
  }
  t.equal(countWithin({ start: 0, end: 1005 }, ranges), whole.count());
  t.end();
});

t.test('a bitmap is whole, one in windows is not', (t) => {
  const bitmap = new Bitmap(3);
  t.equal(wholeBitmap(bitmap), bitmap);
  t.throws(() => wholeBitmap(rangesInWindows(100, ranges, 8)), { code: 'bitmap/windowed' });
  t.end();
});

t.test('checksum() sees every bit', (t) => {
  const bitmap = Bitmap.fromRanges(1005, ranges);
  const sums = new Set([bitmap.checksum()]);
  for (let pfn = 0; pfn < 1005; pfn++) {
    const other = new Bitmap(1005, bitmap.bytes.slice());
    if (other.has(pfn)) other.clear(pfn);
    else other.set(pfn);
    sums.add(other.checksum());
  }
  t.equal(sums.size, 1006);
  t.equal(Bitmap.fromRanges(1005, ranges).checksum(), bitmap.checksum());
  t.end();
});
