import t from 'tap';
import { MemorySink } from '../testing/memory-sink.ts';
import { LevelControl } from './level-control.ts';

/** A machine of one processor whose time passes as told: `write` ms idle in the sink for each batch, `compress` ms busy. */
function run(batches: number, cost: { write: (level: number) => number; compress: (level: number) => number }): number[] {
  let now = 0;
  let idle = 0;
  const control = new LevelControl({ now: () => now, idle: () => ({ idleMs: idle, processors: 1 }) });
  const slow = {
    name: 'slow',
    seekable: true,
    write() {
      const ms = cost.write(levels[levels.length - 1]);
      now += ms;
      idle += ms;
    },
    sync() {},
    close() {},
  };
  const sink = control.watch(slow);
  const levels: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const level = control.next(64);
    levels.push(level);
    now += cost.compress(level);
    sink.write(0, new Uint8Array(1));
  }
  return levels;
}

const dearer = (level: number) => (level < 0 ? 1 : 1 + level);

t.test('a fast sink leaves the level where it is', async (t) => {
  t.same(new Set(run(5000, { write: () => 0.01, compress: dearer })), new Set([-1]));
});

t.test('a slow sink raises it step by step, to the end of the ladder', async (t) => {
  const levels = run(5000, { write: () => 100, compress: dearer });
  t.same([...new Set(levels)], [-1, 1, 3, 6, 9]);
  t.equal(levels.at(-1), 9);
});

t.test('a sink that keeps the processor busy does not', async (t) => {
  let now = 0;
  const control = new LevelControl({ now: () => now, idle: () => ({ idleMs: 0, processors: 1 }) });
  const encrypting = {
    name: 'encrypting',
    seekable: true,
    write() {
      now += 50;
    },
    sync() {},
    close() {},
  };
  const sink = control.watch(encrypting);
  for (let batch = 0; batch < 1000; batch++) {
    t.equal(control.next(1), -1);
    sink.write(0, new Uint8Array(1));
  }
});

t.test('a level that is too much is left, and tried ever more rarely', async (t) => {
  const levels = run(50_000, { write: (level) => (level < 3 ? 5 : 0.1), compress: dearer });
  const much = levels.filter((level) => level >= 3).length;
  const later = levels.slice(25_000).filter((level) => level >= 3).length;
  t.ok(much > 0, 'tried');
  t.ok(later < much / 2, `${later} of ${much} in the second half`);
});

t.test('pages are counted by level', async (t) => {
  let now = 0;
  const control = new LevelControl({ now: () => now, idle: () => undefined });
  const sink = control.watch(new MemorySink());
  control.next(64);
  sink.write(0, new Uint8Array(1));
  control.next(10);
  t.same(control.pagesByLevel(), { '-1': 74 });
  now += 1000;
  t.equal(control.next(1), -1, 'no waiting: nothing changes');
});
