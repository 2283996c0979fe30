import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { buildLargeMachine } from '../testing/build-large-machine.ts';
import { createCapturedSystem } from '../testing/captured-system.ts';
import { type DumpRequest, type DumpResult, dump } from './dump.ts';
import { silentProgress } from './progress.ts';

const MiB = 2 ** 20;

t.test('a machine of 300 GiB: every page is counted as what it was built as, in one window and in ten', async (t) => {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const machine = buildLargeMachine({ memoryGiB: 300, chunkGiB: 64 });
  const source = system.path('vmcore');
  machine.write(source);
  const dumpWith = (memoryLimitBytes: number): [DumpResult, Uint8Array] => {
    const request: DumpRequest = {
      ...{ source, outputs: [system.path('dump')], format: 'kdump', flattened: false, codec: 'zlib', codecLevel: undefined },
      ...{ levels: [31], overwrite: true, inPlace: false, dryRun: false, mmap: false, threads: 1, memoryLimitBytes },
    };
    return [dump(system, request, silentProgress), readFileSync(system.path('dump'))];
  };
  const [whole, wholeBytes] = dumpWith(64 * MiB);
  t.same(whole.pages, machine.counts);
  t.equal(whole.endPfn, machine.endPfn);
  t.same(whole.warnings, []);
  const [windowed, windowedBytes] = dumpWith(MiB);
  t.equal(windowed.windows, 10);
  t.same([windowed.pages, windowed.warnings], [machine.counts, []]);
  t.ok(Buffer.from(windowedBytes).equals(wholeBytes));
});

t.test('threads write the same dump in windows', async (t) => {
  const bun = 'node_modules/.bin/bun';
  if (!existsSync('agent/sys/native/libzstd.so')) spawnSync(bun, ['build.ts', '--libraries']);
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  buildLargeMachine({ memoryGiB: 48 }).write(system.path('vmcore'));
  const dumpWith = (...words: string[]) => {
    const argv = ['agent/main.ts', 'dump', '-f', ...words, system.path('vmcore'), system.path('dump')];
    const { status, signal, stderr } = spawnSync(bun, argv, { encoding: 'utf8' });
    if (status !== 0) t.fail(`${argv.join(' ')}: ${status ?? signal} ${stderr}`);
    return readFileSync(system.path('dump'));
  };
  const whole = dumpWith('--memory-limit', '64M');
  for (const threads of ['1', '2', '4'])
    t.ok(dumpWith('--memory-limit', '256K', '--num-threads', threads).equals(whole), `${threads} threads`);
  const flattened = dumpWith('--memory-limit', '64M', '-F');
  t.ok(dumpWith('--memory-limit', '256K', '-F', '--num-threads', '2').equals(flattened));
});
