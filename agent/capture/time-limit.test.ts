import t from 'tap';
import { checkTime, timeLimit } from './time-limit.ts';

t.test('a tenth of the time is kept for the end, at least 5 s and at most 30', async (t) => {
  t.same(timeLimit(1000, 100), { dumpEndsAt: 91_000, runEndsAt: 101_000 });
  t.same(timeLimit(0, 20), { dumpEndsAt: 15_000, runEndsAt: 20_000 });
  t.same(timeLimit(0, 4), { dumpEndsAt: 2000, runEndsAt: 4000 });
  t.same(timeLimit(0, 7200), { dumpEndsAt: 7_170_000, runEndsAt: 7_200_000 });
});

t.test('without a limit there is no end', async (t) => {
  const { dumpEndsAt } = timeLimit(0, undefined);
  t.equal(dumpEndsAt, Number.POSITIVE_INFINITY);
  checkTime({ now: () => 2 ** 50 }, dumpEndsAt, 'copying');
});

t.test('the end is an error with a code of its own', async (t) => {
  t.throws(() => checkTime({ now: () => 10 }, 10, 'copying'), { code: 'capture/time-limit', message: /copying/ });
});
