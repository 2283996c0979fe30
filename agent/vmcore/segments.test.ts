import t from 'tap';
import type { LoadSegment } from './physical-memory.ts';
import { buildExtents, dataRanges, existingRanges, findExtent, hasSharedPages, inRanges, rangeEnd } from './segments.ts';

function segment(physicalAddress: number, fileBytes: number, fileOffset: number, memoryBytes = fileBytes): LoadSegment {
  return { physicalAddress, fileBytes, fileOffset, memoryBytes, virtualAddress: 0n };
}

/** `start-end@fileOffset` of every extent. */
function show(segments: readonly LoadSegment[]): string[] {
  const { starts, ends, shifts } = buildExtents(segments);
  return Array.from(starts, (start, i) => `${start.toString(16)}-${ends[i].toString(16)}@${(start + shifts[i]).toString(16)}`);
}

t.test('the first of two overlapping segments gives the bytes, the second one what is left', (t) => {
  const text = segment(0x3000, 0x2000, 0x10000);
  const ram = segment(0x1000, 0x8000, 0x20000);
  t.same(show([text, ram]), ['1000-3000@20000', '3000-5000@10000', '5000-9000@24000']);
  t.same(show([ram, text]), ['1000-9000@20000']);
  t.end();
});

t.test('segments that go on in memory and in the file are one extent', (t) => {
  t.same(show([segment(0x4000, 0x1000, 0x8000), segment(0x3000, 0x1000, 0x7000)]), ['3000-5000@7000']);
  t.same(show([segment(0x4000, 0x1000, 0x8000), segment(0x3000, 0x1000, 0x9000)]), ['3000-4000@9000', '4000-5000@8000']);
  t.end();
});

t.test('random overlapping segments agree with looking at every byte', (t) => {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 300; round++) {
    const segments = Array.from({ length: 1 + random(8) }, () => segment(random(60), random(30), random(1000)));
    const extents = buildExtents(segments);
    for (let address = 0; address < 100; address++) {
      const owner = segments.find((s) => address >= s.physicalAddress && address < s.physicalAddress + s.fileBytes);
      const extent = findExtent(extents, address);
      const found = extent < 0 ? undefined : address + extents.shifts[extent];
      const wanted = owner === undefined ? undefined : owner.fileOffset + address - owner.physicalAddress;
      if (found !== wanted) t.fail(`round ${round}, address ${address}: ${found}, expected ${wanted}`);
    }
  }
  t.pass('all agree');
  t.end();
});

t.test('thousands of segments that all overlap are sorted out at once', (t) => {
  const segments = Array.from({ length: 40_000 }, (_, i) => segment(i, 100_000, 0));
  t.equal(buildExtents(segments).starts.length, 40_000);
  t.end();
});

t.test('a page belongs to the segment that holds its last byte', (t) => {
  const ranges = (segments: readonly LoadSegment[]) => dataRanges(segments, 4096).map(({ start, end }) => `${start}-${end}`);
  t.same(ranges([segment(0x1000, 0x4c00, 0)]), ['1-5'], 'what is left of a last page is not there');
  t.same(ranges([segment(0x1000, 0x4c00, 0), segment(0x5c00, 0x1400, 0x9000)]), ['1-7'], 'a shared page is');
  t.same(ranges([segment(0x1800, 0x1800, 0)]), ['1-3'], 'a page whose start is missing is');
  t.same(ranges([segment(0x1100, 0x100, 0)]), [], 'a segment within one page has none');
  t.same(ranges([segment(0x3000, 0x1000, 0), segment(0x1000, 0x1000, 0), segment(0x2000, 0x1000, 0)]), ['1-4'], 'neighbours are one range');
  t.end();
});

t.test('memory without data in the file exists, and has no data', (t) => {
  const short = segment(0x2000, 0x1800, 0, 0x4000);
  t.same(dataRanges([short], 4096), [{ start: 2, end: 4 }], 'a page of which the file holds a part has data');
  t.same(existingRanges([short], 4096), [{ start: 2, end: 6 }]);
  t.same(dataRanges([segment(0x2000, 0, 0, 0x4000)], 4096), []);
  t.end();
});

t.test('hasSharedPages() finds pages that no single extent holds', (t) => {
  const check = (segments: readonly LoadSegment[]) => hasSharedPages(buildExtents(segments), dataRanges(segments, 4096), 4096);
  t.notOk(check([segment(0x1000, 0x4c00, 0)]));
  t.ok(check([segment(0x1000, 0x4c00, 0), segment(0x5c00, 0x1400, 0x9000)]));
  t.notOk(check([segment(0x1000, 0x4c00, 0), segment(0x5c00, 0x1400, 0x4c00)]), 'not when the file goes on');
  t.ok(check([segment(0x1800, 0x1800, 0)]));
  t.end();
});

t.test('inRanges() and rangeEnd() know the edges', (t) => {
  const ranges = [
    { start: 2, end: 4 },
    { start: 7, end: 8 },
  ];
  t.same(
    [1, 2, 3, 4, 6, 7, 8].map((pfn) => inRanges(ranges, pfn)),
    [false, true, true, false, false, true, false],
  );
  t.equal(rangeEnd(ranges, 2), 4);
  t.equal(rangeEnd(ranges, 4), -1);
  t.notOk(inRanges([], 0));
  t.end();
});
