import t from 'tap';
import { readCrash } from '../../../capture/crash.ts';
import { MiB } from '../../../binary/units.ts';
import { dump } from '../../../dump/dump.ts';
import { silentProgress } from '../../../dump/progress.ts';
import { createCapturedSystem } from '../../../testing/captured-system.ts';
import { makeCrashHead } from './crash-image.ts';
import { makeMachine } from './made-machine.ts';

/** The vmcore a kernel would show: offsets in the file instead of addresses, which for address 0 are the same. */
function vmcoreOf(machine: ReturnType<typeof makeMachine>): Uint8Array {
  return Buffer.concat([makeCrashHead(machine, 0), machine.memory]);
}

const machine = makeMachine({ memoryBytes: 32 * MiB, id: 'abc-123', crashTime: 1_700_000_000 });

t.test('the log of a made machine is found, with the panic in it', async (t) => {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const path = system.put('vmcore', vmcoreOf(machine));
  const crash = readCrash(system, path, false);
  t.strictSame(crash.lost, []);
  t.equal(new TextDecoder().decode(crash.dmesg), machine.log);
  t.match(crash, { release: machine.release, host: machine.host, panic: /sysrq/, crashedAtMs: 1_700_000_000_000 });
});

t.test('a dump tells every page of a made machine for what it is', async (t) => {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const path = system.put('vmcore', vmcoreOf(machine));
  const request = {
    source: path,
    outputs: [system.path('out')],
    format: 'kdump',
    flattened: false,
    codec: 'zlib',
    codecLevel: 1,
    levels: [31],
  } as const;
  const rest = { overwrite: false, inPlace: false, dryRun: false, mmap: false, threads: 1 };
  const result = dump(system, { ...request, ...rest }, silentProgress);
  t.strictSame(result.warnings, []);
  t.match(result, { complete: true, level: 31 });
  const { cache, user, free, kept, zero, original } = result.pages;
  t.strictSame({ cache, user, free }, machine.pages);
  t.equal(kept + zero + cache + user + free, original);
  t.equal(original, (32 * MiB) / 4096);
});

t.test('the same options make the same memory, whatever the size', async (t) => {
  for (const memoryBytes of [8 * MiB, 12 * MiB, 1024 * MiB]) {
    const one = makeMachine({ memoryBytes, id: 'x', crashTime: 1 });
    t.equal(one.memory.length, memoryBytes);
    t.ok(one.pages.free >= 0);
  }
});
