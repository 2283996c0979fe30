import t, { type Test } from 'tap';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { capture } from './capture.ts';

const loopLimit = { captures: 3, windowSeconds: 3600 };

async function run(t: Test, earlier: readonly string[], changes: object = {}) {
  const files = Object.fromEntries(earlier.map((name) => [`/target/${name}/manifest.json`, '{}']));
  const machine = await createCaptureMachine(t, { files });
  return { machine, result: capture(machine.system, captureSettings(changes, { loopLimit })) };
}

const minutes = (...list: number[]) => list.map((minute) => `test-2026-03-04-04:${String(minute).padStart(2, '0')}:00`);

t.test('fewer captures than the limit lie within the window: all is saved', async (t) => {
  t.equal((await run(t, minutes(10, 20))).result.status, 'complete');
});

t.test('as many as the limit: only the log, and that says why; the machine restarts as after any capture', async (t) => {
  const { machine, result } = await run(t, minutes(10, 20, 30));
  t.match(result, { status: 'dmesg-only', asWished: true, manifest: { lost: [/3 captures of this machine lie within 3600 s/] } });
  t.ok(machine.calls.includes('reboot'));
});

t.test('older ones, those of other machines, and files do not count', async (t) => {
  const others = ['test-2026-03-04-04:06:06', 'other-2026-03-04-05:00:00', 'test-2026-03-04', ...minutes(30, 40)];
  t.equal((await run(t, others)).result.status, 'complete');
});

t.test('a clock that was set back makes none of them vanish', async (t) => {
  t.equal((await run(t, ['test-2026-03-04-05:30:00', 'test-2026-03-04-05:40:00', 'test-2026-03-04-05:50:00'])).result.status, 'dmesg-only');
});

t.test('after many more, not even the log', async (t) => {
  const { machine, result } = await run(t, minutes(...Array.from({ length: 23 }, (_, index) => 10 + index)));
  t.match(result, { status: 'failed', asWished: true });
  t.match(machine.system.printed.error, /nothing is saved/);
  t.ok(machine.calls.includes('reboot'));
});

t.test('a second agent of the same crash is no second crash', async (t) => {
  const machine = await createCaptureMachine(t, {
    files: {
      '/run/kcapture/name': 'test-2026-03-04-05:06:00',
      ...Object.fromEntries([...minutes(20, 30), 'test-2026-03-04-05:06:00'].map((name) => [`/target/${name}/x`, ''])),
    },
  });
  t.equal(capture(machine.system, captureSettings({}, { loopLimit })).status, 'complete');
});

t.test('by hand there is no limit', async (t) => {
  t.equal((await run(t, minutes(10, 20, 30), { unattended: false })).result.status, 'complete');
});
