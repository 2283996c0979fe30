import t from 'tap';
import { silentProgress } from '../dump/progress.ts';
import { watchPace } from './watch-pace.ts';

/** A dump of 100 000 pages that has a minute. @param pagesPerSecond copied. @returns seconds after which it was given up; `undefined`: it was not. */
function givenUpAfter(pagesPerSecond: number, filterSeconds = 0): number | undefined {
  const clock = { ms: 5000 };
  const progress = watchPace({ now: () => clock.ms }, silentProgress, 65_000);
  progress.start('filtering', 100_000, 4096);
  clock.ms += filterSeconds * 1000;
  progress.update(50_000);
  progress.start('copying', 100_000, 4096);
  for (let done = 0; done <= 100_000; done += 200) {
    try {
      progress.update(done);
    } catch (error) {
      t.match(error, { code: 'capture/time-limit-ahead', hint: /time_limit/ });
      return Math.round((clock.ms - 5000) / 1000);
    }
    clock.ms += 200_000 / pagesPerSecond;
  }
  return undefined;
}

t.test('a dump that will be whole in time goes on', async (t) => {
  t.equal(givenUpAfter(2000), undefined);
  t.equal(givenUpAfter(4000, 29), undefined);
});

t.test('one that will not is given up in the middle of the time, when as much again can be sent', async (t) => {
  t.equal(givenUpAfter(1000), 30);
  t.equal(givenUpAfter(100), 30);
});

t.test('one whose pages took long to be told apart gets a second before it is judged', async (t) => {
  t.equal(givenUpAfter(2000, 40), 41);
});
