/** Every step down of a run, made to fail on purpose: what is saved all the same, and what the manifest says of the rest. */
import { rmSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { dumpLevel } from '../classify/page-kind.ts';
import { CompressError } from '../compress/codec.ts';
import type { Configuration } from '../config/configuration.ts';
import { openSource } from '../format/open-source.ts';
import { buildCrash, crashPanic } from '../testing/build-crash.ts';
import { type CaptureMachine, type CaptureMachineOptions, captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { capture, type CaptureResult } from './capture.ts';
import type { CaptureSettings } from './settings.ts';

const name = 'test-2026-03-04-05:06:07';
const two: Partial<CaptureSettings> = {
  targets: [
    { kind: 'folder', wish: 'first', folder: '/first' },
    { kind: 'folder', wish: 'second', folder: '/second' },
  ],
};

type Case = { machine: CaptureMachine; result: CaptureResult };

async function run(
  t: Test,
  options: CaptureMachineOptions,
  settings: Partial<CaptureSettings> = {},
  configuration: Partial<Configuration> = {},
): Promise<Case> {
  const machine = await createCaptureMachine(t, options);
  const result = capture(machine.system, captureSettings(settings, configuration));
  t.equal(machine.calls.at(-1), 'reboot', 'whatever happens, the machine restarts');
  return { machine, result };
}

function own(changes: object): Partial<Configuration> {
  const collector = captureSettings().configuration.collector;
  return { collector: { ...collector, ...changes } as Configuration['collector'] };
}

t.test('pages that cannot be told apart are all kept but zeros', async (t) => {
  const { machine, result } = await run(t, { vmcore: buildCrash({ vmcoreinfo: { 'SYMBOL(mem_section)': undefined } }) });
  t.match(result, { status: 'complete', asWished: true });
  t.match(result.manifest?.lost, [/could not be told apart.*\(Cannot filter at level 31/]);
  t.match(result.manifest?.dump, { level: 1, pages: { user: 0, free: 0 } });
  t.match(machine.read(`/target/${name}/kcapture.log`), /could not be told apart/);
});

t.test('without VMCOREINFO there is no log, and the memory is saved whole', async (t) => {
  const vmcore = buildCrash();
  const at = Buffer.from(vmcore).indexOf('VMCOREINFO');
  vmcore.fill(0x58, at, at + 10);
  const { machine, result } = await run(t, { vmcore });
  t.match(result, { status: 'partial', where: `/target/capture-2026-03-04-05:06:07` });
  t.match(result.manifest?.lost, [/log cannot be read/, /could not be told apart/]);
  t.match(machine.list(`/target/capture-2026-03-04-05:06:07`), ['kcapture.log 600', 'manifest.json 600', 'vmcore 600']);
});

t.test('what is no vmcore is copied as it is', async (t) => {
  const vmcore = new Uint8Array(300_000).fill(7);
  const { machine, result } = await run(t, { vmcore });
  t.match(result, { status: 'partial' });
  t.match(result.manifest?.lost?.at(-1), /a copy of it, neither filtered nor compressed/);
  t.equal(Buffer.compare(vmcore, Buffer.from(machine.read(`/target/capture-2026-03-04-05:06:07/vmcore`), 'latin1')), 0);
});

t.test('a codec that is missing gives way to zstd, and zstd to none', async (t) => {
  const missing = { system: (base: CaptureMachine['system']) => ({ openCodec: refuse(base, 'lzo') }) };
  const { result } = await run(t, missing as CaptureMachineOptions, {}, own({ codec: 'lzo' }));
  t.match(result.manifest, { status: 'complete', dump: { codec: 'zstd' }, lost: [/codec that was asked for/] });
  const none = { system: (base: CaptureMachine['system']) => ({ openCodec: refuse(base, 'lzo', 'zstd') }) };
  const { result: raw } = await run(t, none as CaptureMachineOptions, {}, own({ codec: 'lzo' }));
  t.match(raw.manifest, { status: 'complete', dump: { codec: 'none' }, lost: [/codec that was asked for/, /stored as they are/] });
});

function refuse(base: CaptureMachine['system'], ...codecs: string[]): CaptureMachine['system']['openCodec'] {
  return (codec, level) => {
    if (codecs.includes(codec)) throw new CompressError('compress/unavailable', `Cannot use ${codec}: the library is missing`);
    return base.openCodec(codec, level);
  };
}

t.test('a source that cannot be mapped is read piece by piece', async (t) => {
  const { result } = await run(t, {
    system: (base) => ({
      openFile: (path, options) => {
        if (path === '/proc/vmcore' && options?.mmap !== false) throw new VmcoreError('vmcore/io', 'Cannot map');
        return base.openFile(path, options);
      },
    }),
  });
  t.match(result.manifest, {
    status: 'complete',
    lost: [/could not be mapped/],
    files: [{ name: 'vmcore-dmesg.txt' }, { name: 'vmcore' }],
  });
});

t.test('a page that cannot be read costs itself, and the dump says so', async (t) => {
  const { machine, result } = await run(t, {
    system: (base) => ({
      openFile: (path, options) => {
        const file = base.openFile(path, options);
        const bad = 0x101000;
        const check = (offset: number, length: number) => {
          if (offset <= bad && bad < offset + length) throw new VmcoreError('vmcore/io', 'Cannot read: broken memory');
        };
        return {
          ...file,
          path: file.path,
          sizeBytes: file.sizeBytes,
          read: (offset, target) => {
            check(offset, target.length);
            file.read(offset, target);
          },
          openWindow: (capacity, buffer) => {
            const window = file.openWindow(capacity, buffer);
            return {
              bytes: window.bytes,
              capacityBytes: window.capacityBytes,
              locate: (offset, length) => {
                check(offset, length);
                return window.locate(offset, length);
              },
              close: () => window.close(),
            };
          },
          close: () => file.close(),
        };
      },
    }),
  });
  t.match(result, { status: 'partial', failedTargets: [] });
  t.match(result.manifest?.lost, [/Cannot read 1 pages/]);
  t.ok(machine.list(`/target/${name}`).includes('vmcore-incomplete 600'));
});

t.test('a full target is left for the next, with a readable part of the dump and a manifest that says so', async (t) => {
  const disks = { '/first': { roomBytes: 200_000, fault: 'sink/no-space' } } as const;
  const { machine, result } = await run(t, { disks }, two, own({ codec: undefined }));
  t.match(result, { status: 'complete', where: `/second/${name}`, failedTargets: [{ target: 'first', why: /no-space/ }] });
  t.match(JSON.parse(machine.read(`/first/${name}/manifest.json`)), { status: 'partial', lost: [/no-space/] });
  t.match(JSON.parse(machine.read(`/second/${name}/manifest.json`)), { status: 'complete', failedTargets: [{ target: 'first' }] });
  t.match(machine.read(`/second/${name}/vmcore-dmesg.txt`), crashPanic);
  const part = openSource([machine.system.openFile(`/first/${name}/vmcore-incomplete`)], machine.system.openCodec);
  t.ok(part.endPfn > 0);
  part.close();
});

t.test('a full target takes the next level first', async (t) => {
  const disks = { '/target': { roomBytes: 1_600_000, fault: 'sink/no-space' } } as const;
  const { result } = await run(t, { disks }, {}, own({ codec: undefined, levels: [0, 31] }));
  t.match(result, { status: 'complete', manifest: { dump: { level: dumpLevel.all } } });
});

t.test('when every target is full, the larger rest of what was saved counts', async (t) => {
  const disks = {
    '/first': { roomBytes: 100, fault: 'sink/no-space' },
    '/second': { roomBytes: 200_000, fault: 'sink/no-space' },
  } as const;
  const { machine, result } = await run(t, { disks }, two, own({ codec: undefined }));
  t.match(result, { status: 'partial', asWished: false, where: `/second/${name}` });
  t.match(machine.list(`/second/${name}`), ['kcapture.log 600', 'manifest.json 600', 'vmcore-dmesg.txt 600', 'vmcore-incomplete 600']);
});

t.test('a target that breaks in the middle is left for the next, from the start', async (t) => {
  const disks = { '/first': { roomBytes: 150_000, fault: 'sink/io' } } as const;
  const { result } = await run(t, { disks }, two, own({ codec: undefined }));
  t.match(result, { status: 'complete', where: `/second/${name}`, failedTargets: [{ target: 'first', why: /sink.io/ }] });
});

t.test('a target that cannot be written at all is left for the next', async (t) => {
  const { result } = await run(t, { files: { '/first': 'a file, no folder' } }, two);
  t.match(result, { status: 'complete', where: `/second/${name}`, failedTargets: [{ target: 'first', why: /Cannot make the folder/ }] });
});

t.test('when all targets fail, the log goes to the console', async (t) => {
  const files = { '/first': 'x', '/second': 'x', '/dev/pmsg0': '' };
  const { machine, result } = await run(t, { files }, two);
  t.match(result, { status: 'failed', where: undefined, failedTargets: [{ target: 'first' }, { target: 'second' }] });
  t.match(machine.system.printed.error, new RegExp(`nothing could be saved[^]*${crashPanic}`));
  t.match(machine.read('/dev/pmsg0'), crashPanic);
});

t.test('what has to stay free is not written to', async (t) => {
  const { machine, result } = await run(t, {}, two, { minFreeBytes: 2 ** 50 });
  t.match(result, { status: 'dmesg-only', asWished: false });
  t.match(result.manifest?.lost, [/Memory was not saved: .* have to stay free/]);
  t.same(machine.list(`/first/${name}`), ['kcapture.log 600', 'manifest.json 600', 'vmcore-dmesg.txt 600']);
});

t.test('a dump that comes to what has to stay free ends as on a full disk', async (t) => {
  let free = 2_000_000;
  const { result } = await run(
    t,
    {
      system: (base) => ({
        files: {
          ...base.files,
          space: () => {
            free -= 300_000;
            return { totalBytes: 2_000_000, freeBytes: free };
          },
        },
      }),
    },
    {},
    { minFreeBytes: 500_000, ...own({ codec: undefined, levels: [0] }) },
  );
  t.match(result, { status: 'partial', manifest: { lost: [/500000|488 KiB/] } });
});

t.test('below dmesg_only_below only the log is saved', async (t) => {
  const { result } = await run(t, {}, {}, { dmesgOnlyBelowBytes: 2 ** 50 });
  t.match(result, { status: 'dmesg-only', asWished: false, manifest: { lost: [/dmesg_only_below/] } });
});

t.test('the time limit ends the dump, and what there is stays readable', async (t) => {
  const clock = { ms: 1000 };
  const { machine, result } = await run(
    t,
    {
      system: (base) => ({
        now: () => clock.ms,
        createFile: (path, options) => {
          const sink = base.createFile(path, options);
          // A disk that takes twenty seconds for each write.
          const write = (offset: number, bytes: Uint8Array) => {
            clock.ms += 20_000;
            sink.write(offset, bytes);
          };
          return { name: sink.name, seekable: true, write, sync: () => sink.sync(), close: () => sink.close() };
        },
      }),
    },
    {},
    { timeLimitSeconds: 100, ...own({ codec: undefined, levels: [0] }) },
  );
  t.match(result, { status: 'partial', asWished: false, failedTargets: [], manifest: { lost: [/time limit is reached/] } });
  t.ok(machine.list(`/target/${name}`).includes('vmcore-incomplete 600'));
  const part = openSource([machine.system.openFile(`/target/${name}/vmcore-incomplete`)], machine.system.openCodec);
  t.equal(part.dumpLevel, 0);
  part.close();
});

t.test('a target of the network says why it cannot be used', async (t) => {
  const targets = [{ kind: 'unsupported', wish: 'ssh a@b', why: 'no network here' } as const];
  const { result } = await run(t, {}, { targets });
  t.match(result, { status: 'failed', failedTargets: [{ target: 'ssh a@b', why: /no network here/ }] });
});

t.test('what was never meant to happen costs the target and not the run', async (t) => {
  const { result } = await run(
    t,
    {
      system: (base) => ({
        createFile: (path, options) => {
          if (path.startsWith('/first/')) throw new TypeError('undefined is not a function');
          return base.createFile(path, options);
        },
      }),
    },
    two,
  );
  t.match(result, { status: 'complete', where: `/second/${name}`, failedTargets: [{ why: /Internal error: TypeError/ }] });
});

t.test('a program of the administrator saves the memory, and its file is as private as ours', async (t) => {
  const collector = { kind: 'program', argv: ['saver', '-x'] } as const;
  let ran: readonly string[] = [];
  const { machine, result } = await run(
    t,
    {
      system: (base) => ({
        programs: {
          ...base.programs,
          run: (argv) => {
            ran = argv;
            base.files.write(argv.at(-1) ?? '', 'what it saved', 0o644);
            return { status: 0, stdout: '', stderr: '' };
          },
        },
      }),
    },
    {},
    { collector },
  );
  t.same(ran, ['saver', '-x', '/proc/vmcore', `/target/${name}/vmcore-incomplete`]);
  t.match(result, { status: 'complete', manifest: { files: [{ name: 'vmcore-dmesg.txt' }, { name: 'vmcore', sizeBytes: 13 }] } });
  t.ok(machine.list(`/target/${name}`).includes('vmcore 600'));
});

t.test('when that program fails, kcapture saves the memory', async (t) => {
  const { machine, result } = await run(
    t,
    { files: { '/bin-test': '' } },
    {},
    { collector: { kind: 'program', argv: ['cp', '--sparse=never'] } },
  );
  // Programs see this machine's root, so the file they are to copy is not theirs: our own dump follows.
  t.match(result.manifest?.lost, [/Cannot save the memory with cp: it ended with 1/]);
  t.match(result, { status: 'complete', manifest: { dump: { level: 31, codec: 'zstd' } } });
  t.ok(machine.list(`/target/${name}`).includes('vmcore 600'));
});

t.test('nothing but the log when only that was asked for', async (t) => {
  const { machine, result } = await run(t, {}, { mode: 'dmesg-only', hooks: false });
  t.match(result, { status: 'dmesg-only', asWished: true });
  t.same(machine.list(`/target/${name}`), ['kcapture.log 600', 'manifest.json 600', 'vmcore-dmesg.txt 600']);
});

t.test('a source that is not there is said, and nothing pretends to be a dump', async (t) => {
  const machine = await createCaptureMachine(t);
  rmSync(machine.path('/proc/vmcore'));
  const result = capture(machine.system, captureSettings());
  t.match(result, { status: 'failed', manifest: { files: [], lost: [/cannot be opened/, /no such file/] } });
  writeFileSync(machine.path('/proc/vmcore'), '');
});
