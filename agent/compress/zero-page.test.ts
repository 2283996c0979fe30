import t from 'tap';
import { isZeroPage } from './zero-page.ts';

t.test('one byte that is not zero is found wherever it stands', (t) => {
  for (const skew of [0, 1, 2, 4]) {
    for (const length of [1, 3, 4, 36, 64, 100]) {
      const bytes = new Uint8Array(new ArrayBuffer(256), 3, 200);
      if (!isZeroPage(bytes, skew, length)) t.fail(`all zero, ${length} bytes at ${skew}`);
      for (let at = 0; at < bytes.length; at++) {
        bytes[at] = 0x80;
        const inside = at >= skew && at < skew + length;
        if (isZeroPage(bytes, skew, length) === inside) t.fail(`byte ${at}, ${length} bytes at ${skew}`);
        bytes[at] = 0;
      }
    }
  }
  t.pass('all found');
  t.end();
});

t.test('a page that does not lie inside the array is not zero', (t) => {
  const bytes = new Uint8Array(8192);
  t.notOk(isZeroPage(bytes, 4097, 4096));
  t.notOk(isZeroPage(bytes, 4100, 4096));
  t.notOk(isZeroPage(bytes, 8192, 4096));
  t.ok(isZeroPage(bytes, 4096, 4096));
  t.end();
});

t.test('two windows used in turn do not answer for each other', (t) => {
  const zero = new Uint8Array(4096);
  const full = new Uint8Array(4096).fill(1);
  for (let round = 0; round < 3; round++) {
    t.ok(isZeroPage(zero, 0, 4096));
    t.notOk(isZeroPage(full, 0, 4096));
  }
  t.end();
});
