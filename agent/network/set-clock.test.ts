import t from 'tap';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { rightTime, setClock } from './set-clock.ts';

const minute = 60_000;
const builtAtMs = Date.UTC(2026, 0, 10);
const crashedAtMs = Date.UTC(2026, 2, 4, 5, 6, 7);
const reading = { wallMs: 0, uptimeMs: minute, builtAtMs, crashedAtMs };

t.test('a clock that stands in 1970 is set to the time of the crash and what has passed since', (t) => {
  t.same(rightTime(reading), { ms: crashedAtMs + minute, from: 'crash' });
  t.end();
});

t.test('a clock that is right is left alone, and so is one that a person is hours late with', (t) => {
  t.equal(rightTime({ ...reading, wallMs: crashedAtMs + 4 * minute }), undefined);
  const hours = 5 * 3_600_000;
  t.equal(rightTime({ ...reading, wallMs: crashedAtMs + hours, uptimeMs: hours }), undefined);
  t.end();
});

t.test('a clock that keeps local time is set, before and behind', (t) => {
  for (const hours of [-8, 2]) t.match(rightTime({ ...reading, wallMs: crashedAtMs + hours * 60 * minute }), { from: 'crash' });
  t.end();
});

t.test('without the time of the crash the image says how early it cannot be', (t) => {
  const unknown = { ...reading, crashedAtMs: undefined };
  t.same(rightTime(unknown), { ms: builtAtMs + minute, from: 'image' });
  t.equal(rightTime({ ...unknown, wallMs: builtAtMs + minute }), undefined);
  t.equal(rightTime({ ...unknown, builtAtMs: undefined }), undefined, 'nothing is known');
  t.end();
});

t.test('the time of a crash that makes no sense counts for nothing', (t) => {
  t.match(rightTime({ ...reading, crashedAtMs: 86_400_000 }), { from: 'image' }, 'the crashed kernel stood in 1970 too');
  t.match(rightTime({ ...reading, crashedAtMs: 9e14 }), { from: 'image' }, 'far in the future');
  t.equal(rightTime({ ...reading, crashedAtMs: 1, wallMs: crashedAtMs }), undefined, 'and the clock is fine');
  t.end();
});

t.test('the clock is set once, and what was done is told', async (t) => {
  const clock = { ms: 12_000 };
  const machine = await createCaptureMachine(t, {
    files: { '/proc/uptime': '60.25 30.00\n' },
    kernel: {
      wallClockMs: () => clock.ms,
      setWallClock: (ms) => {
        clock.ms = ms;
      },
    },
  });
  const facts = { builtAt: new Date(builtAtMs).toISOString(), crashedAtMs };
  t.equal(
    setClock(machine.system, facts),
    'the clock showed 1970-01-01 00:00:12 UTC and is set to 2026-03-04 05:07:07 UTC, by the time of the crash',
  );
  t.equal(clock.ms, crashedAtMs + 60_250);
  t.equal(setClock(machine.system, facts), undefined);
});

t.test('a clock that cannot be set is told', async (t) => {
  const machine = await createCaptureMachine(t, {
    kernel: {
      wallClockMs: () => 0,
      setWallClock: () => {
        throw new Error('the kernel says no');
      },
    },
  });
  t.match(
    setClock(machine.system, { builtAt: undefined, crashedAtMs }),
    /shows 1970-01-01 .* where 2026-03-04 .* cannot be set: the kernel says no$/,
  );
});
