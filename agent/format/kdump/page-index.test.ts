import t from 'tap';
import { Bitmap } from '../../bitmap/bitmap.ts';
import { PageIndex } from './page-index.ts';

t.test('rank() counts the bits below, in order and at random', (t) => {
  const bitmap = new Bitmap(3001);
  for (let pfn = 0; pfn < 3001; pfn++) if ((pfn * pfn) % 7 < 3 || (pfn > 1000 && pfn < 1700)) bitmap.set(pfn);
  const index = new PageIndex(bitmap);
  const ranks = [0];
  for (let pfn = 0; pfn < 3001; pfn++) ranks.push(ranks[pfn] + (bitmap.has(pfn) ? 1 : 0));
  for (let pfn = 0; pfn <= 3001; pfn++) if (index.rank(pfn) !== ranks[pfn]) t.fail(`rank(${pfn})`);
  for (let step = 0; step < 5000; step++) {
    const pfn = (step * 1237) % 3002;
    if (index.rank(pfn) !== ranks[pfn]) t.fail(`rank(${pfn}) after another`);
  }
  t.equal(index.total, ranks[3001]);
  t.equal(new PageIndex(new Bitmap(0)).total, 0);
  t.end();
});
