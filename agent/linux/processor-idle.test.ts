import t from 'tap';
import { parseProcessorIdle } from './processor-idle.ts';

const text = 'cpu  100 2 30 4000 50 0 7 0 0 0\ncpu0 50 1 15 2000 25 0 3 0 0 0\ncpu1 50 1 15 2000 25 0 4 0 0 0\nintr 12 0\nctxt 1\n';

t.test('idle and waiting for a disk, of all processors', async (t) => {
  t.same(parseProcessorIdle(text), { idleMs: 40_500, processors: 2 });
});

t.test('what does not say is unknown', async (t) => {
  t.equal(parseProcessorIdle(''), undefined);
  t.equal(parseProcessorIdle('cpu  1 2 3\ncpu0 1 2 3 4 5\n'), undefined);
  t.equal(parseProcessorIdle('cpu  1 2 3 4 5\n'), undefined);
  for (let length = 0; length < text.length; length++) t.doesNotThrow(() => parseProcessorIdle(text.slice(0, length)));
});
