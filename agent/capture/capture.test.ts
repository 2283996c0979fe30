import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import t from 'tap';
import { openSource } from '../format/open-source.ts';
import { crashPanic } from '../testing/build-crash.ts';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { capture } from './capture.ts';
import type { Manifest } from './manifest.ts';

const folder = '/target/test-2026-03-04-05:06:07';

t.test('a whole run leaves log, memory, manifest and its own log, and restarts the machine', async (t) => {
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings());
  t.match(result, { status: 'complete', asWished: true, where: folder, failedTargets: [] });
  t.same(machine.list(folder), ['kcapture.log 600', 'manifest.json 600', 'vmcore 600', 'vmcore-dmesg.txt 600']);
  t.equal(statSync(machine.path(folder)).mode & 0o777, 0o700);
  t.match(machine.read(`${folder}/vmcore-dmesg.txt`), crashPanic);
  t.same(machine.calls.slice(0, 2), ['sync', 'reboot']);
  t.match(machine.read('/proc/sysrq-trigger'), 'b', 'and once more, since the call did nothing');
});

t.test('the manifest tells what was saved, and its checksums are right', async (t) => {
  const machine = await createCaptureMachine(t);
  capture(machine.system, captureSettings());
  const manifest = JSON.parse(machine.read(`${folder}/manifest.json`)) as Manifest;
  t.match(manifest, {
    version: 1,
    status: 'complete',
    host: 'test',
    release: '5.10.209',
    panic: crashPanic,
    crashedAt: '2023-11-14T22:13:20.000Z',
    startedAt: '2026-03-04T05:06:07.000Z',
    clockTrusted: true,
    target: 'the target',
    failedTargets: [],
    lost: [],
    dump: { complete: true, level: 31, codec: 'zlib', pages: { user: 0x20, cache: 0x10, free: 0x10 } },
    captureKernel: { release: '6.1.0-capture', commandLine: 'root=kcapture elfcorehdr=0x33000000', memoryBytes: 204_800_000 },
    kcapture: { version: '1.2.3', commit: 'abc' },
  });
  t.type(manifest.elapsedMs.dmesg, 'number');
  t.same(
    manifest.files.map(({ name, complete }) => [name, complete]),
    [
      ['vmcore-dmesg.txt', true],
      ['vmcore', true],
    ],
  );
  for (const { name, sha256, sizeBytes } of manifest.files) {
    const sum = spawnSync('sha256sum', [machine.path(`${folder}/${name}`)], { encoding: 'utf8' }).stdout;
    t.equal(sha256, sum.slice(0, 64), name);
    t.equal(sizeBytes, statSync(machine.path(`${folder}/${name}`)).size, name);
  }
  t.notOk('source' in (manifest.dump ?? {}), 'no paths of the capture kernel');
});

t.test('a disk that gives bytes back too slowly costs a checksum, not the time the machine is down', async (t) => {
  const machine = await createCaptureMachine(t, {
    system: ({ files }) => ({
      files: {
        ...files,
        sha256: (path, onBytes) =>
          files.sha256(path, (doneBytes) => {
            machine.clock.ms += 20_000;
            onBytes?.(doneBytes);
          }),
      },
    }),
  });
  const { status } = capture(machine.system, captureSettings());
  const manifest = JSON.parse(machine.read(`${folder}/manifest.json`)) as Manifest;
  t.equal(status, 'complete');
  t.match(manifest.lost, [/No checksum of vmcore: there was no time to read it back/]);
  t.same(
    manifest.files.map(({ name, sha256 }) => [name, typeof sha256]),
    [
      ['vmcore-dmesg.txt', 'string'],
      ['vmcore', 'undefined'],
    ],
  );
});

t.test('the dump is one that can be read', async (t) => {
  const machine = await createCaptureMachine(t);
  capture(machine.system, captureSettings());
  const memory = openSource([machine.system.openFile(`${folder}/vmcore`)], machine.system.openCodec);
  t.equal(memory.dumpLevel, 31);
  t.equal(memory.endPfn > 0x200, true);
  memory.close();
});

t.test('the log of the run has what was said and what the capture kernel said', async (t) => {
  const machine = await createCaptureMachine(t);
  capture(machine.system, captureSettings());
  const log = machine.read(`${folder}/kcapture.log`);
  t.match(log, /log saved to .*ms after the start/);
  t.match(log, /the capture kernel itself/);
  t.match(machine.system.printed.error, /log saved to/);
  t.match(machine.read('/run/kcapture/kcapture.log'), /complete: /);
});

t.test('the log is on the disk before the memory is read', async (t) => {
  let logWasThere: boolean | undefined;
  const machine = await createCaptureMachine(t, {
    system: (base) => ({
      createFile: (path, options) => {
        if (path.endsWith('/vmcore-incomplete')) logWasThere = base.exists(`${folder}/vmcore-dmesg.txt`);
        return base.createFile(path, options);
      },
    }),
  });
  capture(machine.system, captureSettings());
  t.equal(logWasThere, true);
});

t.test('by hand the machine is left alone', async (t) => {
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings({ unattended: false }));
  t.equal(result.status, 'complete');
  t.same(machine.calls, []);
  t.same(machine.tasks, []);
  t.equal(machine.read('/dev/kmsg'), '');
});

t.test('unattended, a guard runs beside it, with the limit of the configuration', async (t) => {
  const machine = await createCaptureMachine(t);
  capture(machine.system, captureSettings({}, { timeLimitSeconds: 100 }));
  t.match(machine.tasks, [{ kind: 'guard', endsAt: 101_000, action: 'reboot' }]);
});

t.test('modules of the plan are loaded in order; one that fails is told and passed over', async (t) => {
  const machine = await createCaptureMachine(t, {
    kernel: {
      loadModule: (path) => {
        machine.calls.push(`load ${path}`);
        if (path === '/b.ko') throw new Error('Cannot load /b.ko: broken');
      },
    },
  });
  const plan = {
    version: 1,
    builtAt: '2026-01-01T00:00:00Z',
    kcapture: { version: '1', commit: 'x' },
    host: 'armed',
    machineId: 'abc',
    kernelRelease: '6.1',
    targets: [],
    modules: ['/a.ko', '/b.ko', '/c.ko'],
    inputHash: '',
  } as const;
  const result = capture(machine.system, captureSettings({ plan }));
  t.same(machine.calls.slice(0, 3), ['load /a.ko', 'load /b.ko', 'load /c.ko']);
  t.match(result.manifest, { host: 'armed', machineId: 'abc', warnings: [/broken/] });
});

t.test('a dump that the first agent finished is not made again', async (t) => {
  const dump = '/target/test-2026-03-04-05:00:00/vmcore';
  const machine = await createCaptureMachine(t, { files: { '/run/kcapture/name': 'test-2026-03-04-05:00:00\n', [dump]: 'whole' } });
  const result = capture(machine.system, captureSettings({ mode: 'safe', hooks: false }));
  t.match(result, { status: 'complete', asWished: true, manifest: { lost: [/by an agent that died afterwards/] } });
  t.equal(machine.read(dump), 'whole');
});

t.test('the other nodes of a cluster are told in the background, where the program is there', async (t) => {
  const find = (name: string) => (name === 'fence_kdump_send' ? '/usr/libexec/fence_kdump_send' : undefined);
  const machine = await createCaptureMachine(t, { system: (base) => ({ programs: { ...base.programs, find } }) });
  capture(machine.system, captureSettings({}, { fenceKdumpNodes: ['node1', 'node2'] }));
  t.match(machine.tasks.at(-1), {
    kind: 'program',
    argv: ['/usr/libexec/fence_kdump_send', '-p', '7410', '-f', 'auto', '-c', '0', '-i', '10', 'node1', 'node2'],
  });
  const bare = await createCaptureMachine(t, { system: (base) => ({ programs: { ...base.programs, find: () => undefined } }) });
  t.equal(capture(bare.system, captureSettings({}, { fenceKdumpNodes: ['node1'] })).status, 'complete');
  t.match(bare.system.printed.error, /fence_kdump_send is not in the image/);
});

t.test('a clock that was never set does not name the folder', async (t) => {
  const machine = await createCaptureMachine(t, { kernel: { wallClockMs: () => 5000 } });
  const result = capture(machine.system, captureSettings());
  t.match(result, { where: '/target/test-2023-11-14-22:13:20', manifest: { clockTrusted: false, startedAt: '2023-11-14T22:13:20.000Z' } });
});

t.test('nothing is saved when the command line says so, and the machine restarts', async (t) => {
  const machine = await createCaptureMachine(t);
  t.match(capture(machine.system, captureSettings({ skip: true })), { status: 'failed', asWished: true });
  t.same(machine.list('/target'), ['.keep 644']);
  t.ok(machine.calls.includes('reboot'));
});

t.test('a second agent goes on where the first one died', async (t) => {
  const machine = await createCaptureMachine(t, {
    files: { '/run/kcapture/name': 'test-2026-03-04-05:00:00\n', '/target/test-2026-03-04-05:00:00/vmcore-incomplete': 'half' },
  });
  const result = capture(machine.system, captureSettings({ mode: 'dmesg-only', hooks: false }));
  t.match(result, { status: 'partial', where: '/target/test-2026-03-04-05:00:00' });
  t.match(result.manifest?.files, [{ name: 'vmcore-dmesg.txt' }, { name: 'vmcore-incomplete', sizeBytes: 4, complete: false }]);
});
