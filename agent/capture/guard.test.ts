import t, { type Test } from 'tap';
import type { KernelCalls, Watchdog } from '../sys/kernel-interface.ts';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { type GuardTask, runGuard, stallMs } from './guard.ts';
import { ordinaryMs, Pulse } from './pulse.ts';

async function setUp(t: Test, onSecond: (second: number, pulse: Pulse) => void, files = {}, unmount: KernelCalls['unmount'] = () => {}) {
  let second = 0;
  const log: string[] = [];
  const watchdog: Watchdog = { timeoutSeconds: 60, feed: () => void log.push('feed'), disarm: () => void log.push('disarm') };
  const machine = await createCaptureMachine(t, {
    files,
    kernel: {
      sleep: (ms) => {
        machine.clock.ms += ms;
        if (++second > 10_000) throw new Error('The guard never acts');
        if (ms === 1000) onSecond(second, pulse);
      },
      unmount,
      openWatchdog: (path) => {
        log.push(path);
        return watchdog;
      },
    },
    system: (base) => ({
      files: {
        ...base.files,
        status: (path) =>
          path === '/dev/watchdog0' && '/watchdog' in files
            ? { ...base.files.status('/dev/kmsg')!, kind: 'character' }
            : base.files.status(path),
      },
    }),
  });
  const pulse = new Pulse(machine.system, { touch: false });
  const go = (changes: Partial<GuardTask> = {}) =>
    runGuard(machine.system, {
      kind: 'guard',
      shared: pulse.shared,
      sentAt: machine.clock.ms,
      endsAt: undefined,
      action: 'reboot',
      ...changes,
    });
  return { machine, pulse, go, log };
}

t.test('a run that is silent for longer than it said is restarted, by the call and by sysrq', async (t) => {
  const { machine, go } = await setUp(t, () => {});
  const startedAt = machine.clock.ms;
  t.equal(go(), 'restarted');
  t.equal(machine.calls[0], 'reboot');
  t.equal(machine.read('/proc/sysrq-trigger'), 'b');
  t.equal(machine.read('/proc/sys/kernel/sysrq'), '1');
  const acted = machine.clock.ms - startedAt;
  t.ok(acted >= ordinaryMs + stallMs && acted < ordinaryMs + stallMs + 60_000, `after ${acted} ms`);
});

t.test('what waits for an NFS server is broken off as soon as the run is silent for too long, and again until it goes on', async (t) => {
  const mounts = [
    '40 1 0:50 / /run/kcapture/target/0 rw - nfs4 srv:/x rw',
    '41 1 0:51 / /run/kcapture/target/1 rw - nfs srv:/y rw',
    '42 1 0:52 / /run/kcapture/target/2 rw - ext4 /dev/vda1 rw',
    '43 1 0:53 / /home rw - nfs4 srv:/home rw',
  ];
  const broken: string[] = [];
  const { machine, go } = await setUp(
    t,
    (second, pulse) => {
      if (second <= 10) pulse.beat();
      if (second === 73) pulse.beat();
      if (second === 80) pulse.setState('end');
    },
    { '/proc/self/mountinfo': `${mounts.join('\n')}\n` },
    (point, options) => {
      broken.push(`${Math.round(machine.clock.ms / 1000)} ${point} ${JSON.stringify(options)}`);
      throw new Error('it is in use');
    },
  );
  t.equal(go(), 'ended');
  const times = broken.map((line) => Number(line.split(' ')[0]));
  t.ok(times.every((seconds) => seconds >= 70 && seconds <= 74) && times.length >= 4, broken.join('; '));
  t.same(
    [...new Set(broken.map((line) => line.replace(/^\d+ /, '')))],
    ['/run/kcapture/target/0 {"force":true}', '/run/kcapture/target/1 {"force":true}'],
  );
});

t.test('one that goes on is left alone for as long as it likes', async (t) => {
  const { machine, go } = await setUp(t, (second, pulse) => {
    if (second < 5000) pulse.beat();
    else pulse.setState('end');
  });
  t.equal(go(), 'ended');
  t.same(machine.calls, []);
});

t.test('a step that was announced may take its time', async (t) => {
  const { go } = await setUp(t, (second, pulse) => {
    if (second === 10) pulse.allow(3_000_000);
    if (second === 3000) pulse.setState('end');
  });
  t.equal(go(), 'ended');
});

t.test('the time limit holds however lively the run is', async (t) => {
  const { machine, go } = await setUp(t, (_second, pulse) => pulse.beat());
  t.equal(go({ endsAt: machine.clock.ms + 100_000, action: 'poweroff' }), 'restarted');
  t.equal(machine.calls[0], 'poweroff');
  t.equal(machine.read('/proc/sysrq-trigger'), 'o');
});

t.test('with a person at the console nothing is limited', async (t) => {
  const { machine, go } = await setUp(t, (second, pulse) => {
    if (second === 1) pulse.setState('hold');
    if (second === 9000) pulse.setState('end');
  });
  t.equal(go({ endsAt: machine.clock.ms + 5000 }), 'ended');
});

t.test('the script sees that the run lives, and no longer once it does not', async (t) => {
  const touched: number[] = [];
  const { machine, go } = await setUp(
    t,
    (second) => {
      if (!machine.system.exists('/run/kcapture/alive')) return;
      machine.system.files.remove('/run/kcapture/alive');
      touched.push(second);
    },
    { '/run/kcapture/.keep': '' },
  );
  go();
  t.ok(touched.length >= 59 && touched.length <= 61, `${touched.length} seconds`);
});

t.test('the watchdog is fed while all is well and left to bite when it is not', async (t) => {
  const { go, log } = await setUp(t, () => {}, { '/watchdog': '' });
  go();
  t.equal(log[0], '/dev/watchdog0');
  t.notOk(log.includes('disarm'));
  const fed = log.filter((entry) => entry === 'feed').length;
  t.ok(fed >= 59 && fed <= 61, `${fed} times`);
});

t.test('a run that ended lets go of the watchdog', async (t) => {
  const { go, log } = await setUp(t, (_second, pulse) => pulse.setState('end'), { '/watchdog': '' });
  go();
  t.equal(log.at(-1), 'disarm');
});
