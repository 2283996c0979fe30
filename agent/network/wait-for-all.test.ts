import t from 'tap';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { amount, waitForAll } from './wait-for-all.ts';

/** What a link that appears at a time costs. */
async function waitFor(t: Parameters<typeof createCaptureMachine>[0], appearAt: readonly number[], limitMs: number): Promise<number> {
  const { system } = await createCaptureMachine(t);
  const startedAt = system.now();
  waitForAll(system, { endsAt: startedAt + limitMs, graceMs: 2_000, onWait: () => {} }, () => {
    return amount(appearAt.filter((at) => system.now() - startedAt >= at).length, appearAt.length);
  });
  return system.now() - startedAt;
}

t.test('waits until all is there, for the first as long as it may, for the rest not so long', async (t) => {
  t.equal(await waitFor(t, [0, 0], 60_000), 0, 'all is there');
  t.equal(await waitFor(t, [5_000], 60_000), 5_000);
  t.equal(await waitFor(t, [5_000, 6_000], 60_000), 6_000);
  t.equal(await waitFor(t, [5_000, 50_000], 60_000), 7_000, 'the second does not come');
  t.equal(await waitFor(t, [90_000], 60_000), 60_000, 'nothing comes');
  t.equal(await waitFor(t, [90_000], 0), 0, 'no time at all');
});
