import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { MiB } from '../../../binary/units.ts';
import { defaultConfiguration } from '../../../config/defaults.ts';
import { dump } from '../../../dump/dump.ts';
import { silentProgress } from '../../../dump/progress.ts';
import type { ProgramResult } from '../../../sys/programs-interface.ts';
import { buildManifest } from '../../../testing/build-manifest.ts';
import { createRootedSystem, putTree } from '../../../testing/rooted-system.ts';
import { makeCrashHead } from '../made-crash/crash-image.ts';
import { makeMachine } from '../made-crash/made-machine.ts';
import { type EmulatorRun, emulatorArgv, emulatorCommandLine, runEmulator } from './emulator.ts';
import { findFloor } from './find-floor.ts';
import { judgeCapture } from './judge-capture.ts';
import { makeTestImage } from './test-image.ts';
import type { VmResult } from './vm-test.ts';

const machine = makeMachine({ memoryBytes: 8 * MiB, id: 'abc', crashTime: 1_700_000_000 });
const run: EmulatorRun = {
  kernel: '/boot/vmlinuz',
  image: '/work/image',
  commandLine: 'root=kcapture console=tty0 disable_cpu_apicid=0 iTCO_wdt.pretimeout=0 panic=10',
  oldMemory: '/work/old',
  oldMemoryBytes: 65 * MiB,
  disk: '/work/disk',
  console: '/work/console',
  memoryBytes: 192 * MiB,
  timeoutMs: 1000,
};

t.test('the command line keeps what the real one says and drops what is of this machine', async (t) => {
  t.equal(
    emulatorCommandLine(run.commandLine, 192),
    'root=kcapture panic=10 console=ttyS0 elfcorehdr=0x100000000 mem=192M kcapture.final_action=reboot kcapture.failure_action=reboot kcapture.dmesg_only_below=never',
  );
});

t.test('the virtual machine has the memory of the reservation below 4 GiB and the old memory above', async (t) => {
  const argv = emulatorArgv('/usr/bin/qemu', run, 'tcg').join(' ');
  t.match(argv, /max-ram-below-4g=192M -m 257M/);
  t.match(argv, /loader,file=\/work\/old,addr=0x100000000,force-raw=on/);
  t.match(argv, /-no-reboot/);
  t.throws(() => emulatorArgv('/usr/bin/qemu', { ...run, disk: '/a,b' }, 'tcg'), { code: 'test/refused' });
});

/** A system whose QEMU answers as `answers` says, in turn. */
async function withEmulator(t: Test, answers: readonly Partial<ProgramResult>[], tree: Record<string, string> = {}) {
  const root = t.testdir({});
  putTree(root, { 'work/x': '', ...tree });
  const calls: string[] = [];
  const system = await createRootedSystem(root, {
    programs: {
      find: (name) => (answers.length === 0 ? undefined : `/usr/bin/${name}`),
      run(argv) {
        calls.push(argv.join(' '));
        return { status: 0, stdout: '', stderr: '', ...answers[calls.length - 1] };
      },
    },
  });
  return { system, calls };
}

t.test('without QEMU the packages that have it are named', async (t) => {
  const { system } = await withEmulator(t, []);
  t.throws(() => runEmulator(system, run), { code: 'test/no-program', hint: /Debian/ });
});

t.test('the end of the machine is told apart from a hang and from a failure', async (t) => {
  for (const [status, end] of [
    [0, 'reboot'],
    [124, 'timeout'],
    [1, 'failed'],
  ] as const) {
    const { system } = await withEmulator(t, [{ status, stderr: 'complaint\n' }]);
    t.match(runEmulator(system, run), { end, complaint: 'complaint', accelerator: 'tcg' });
  }
});

t.test('KVM that dies before the first word gives way to emulation', async (t) => {
  const { system, calls } = await withEmulator(t, [{ status: 134 }, { status: 0 }]);
  const kvm = {
    ...system.files,
    status: (path: string) => (path === '/dev/kvm' ? ({ kind: 'character' } as never) : system.files.status(path)),
  };
  t.match(runEmulator({ ...system, files: kvm }, run), { end: 'reboot', accelerator: 'tcg' });
  t.match(calls[0], /accel=kvm/);
  putTree(system.root, { 'work/console': 'Linux version' });
  const again = await withEmulator(t, [{ status: 134 }], { 'work/console': 'Linux version' });
  const files = {
    ...again.system.files,
    status: (path: string) => (path === '/dev/kvm' ? ({ kind: 'character' } as never) : again.system.files.status(path)),
  };
  t.match(runEmulator({ ...again.system, files }, run), { end: 'failed', accelerator: 'kvm' });
});

t.test('the floor is found in steps of 8 MiB', async (t) => {
  const tried: number[] = [];
  const tryMemory = (memoryBytes: number) => {
    tried.push(memoryBytes / MiB);
    return { passed: memoryBytes >= 120 * MiB, memoryBytes } as VmResult;
  };
  const floor = findFloor(256 * MiB, tryMemory);
  t.match(floor, { worksBytes: 120 * MiB, failsBytes: 112 * MiB });
  t.ok(tried.length <= 5);
  t.strictSame(findFloor(56 * MiB, tryMemory).runs, []);
});

const release = '6.1.0-test';
const moduleTree = {
  [`lib/modules/${release}/modules.dep`]:
    'kernel/virtio_blk.ko: kernel/virtio.ko\nkernel/virtio.ko:\nkernel/virtio_pci.ko: kernel/virtio.ko\n',
  [`lib/modules/${release}/modules.builtin`]: 'kernel/ext4.ko\n',
  ...Object.fromEntries(
    ['virtio', 'virtio_blk', 'virtio_pci'].map((name) => [`lib/modules/${release}/kernel/${name}.ko`, `\x7fELF${name}`.padEnd(64)]),
  ),
};

t.test('the image under test stays as it is; plan and drivers come behind it', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { ...moduleTree, image: 'an image', 'work/x': '' });
  makeTestImage(system, { image: '/image', kernelRelease: release, plan: undefined, output: '/work/out' });
  const bytes = readFileSync(join(system.root, 'work/out'), 'latin1');
  t.ok(bytes.startsWith('an image070701'));
  const order = ['etc/kcapture/armed.json', 'test-modules/virtio.ko', 'TRAILER!!!'].map((name) => bytes.indexOf(name));
  t.strictSame(
    order,
    [...order].sort((a, b) => a - b),
  );
  t.ok(order.every((index) => index > 0));
  t.match(bytes, /"modules":\["\/usr\/lib\/kcapture\/test-modules\/virtio\.ko"/);
});

t.test('an image of odd length is padded to where the kernel looks', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { ...moduleTree, image: 'odd', 'work/x': '' });
  makeTestImage(system, { image: '/image', kernelRelease: release, plan: undefined, output: '/work/out' });
  t.equal(readFileSync(join(system.root, 'work/out'), 'latin1').slice(0, 10), 'odd\x00070701');
});

t.test('a kernel without drivers for a virtual machine cannot be tested in one', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { [`lib/modules/${release}/modules.dep`]: '', image: 'x' });
  t.throws(() => makeTestImage(system, { image: '/image', kernelRelease: release, plan: undefined, output: '/out' }), {
    code: 'test/no-kernel',
    message: /virtio_pci, virtio_blk, ext4/,
  });
});

const ended = { end: 'reboot', complaint: '', accelerator: 'tcg' } as const;

/** A disk as a good capture leaves it. */
async function capturedDisk(t: Test) {
  const root = t.testdir({});
  const system = await createRootedSystem(root);
  const folder = 'saved/worker-2026-03-01-12:34:56';
  putTree(root, { vmcore: Buffer.concat([makeCrashHead(machine, 0), machine.memory]), [`${folder}/vmcore-dmesg.txt`]: machine.log });
  const request = {
    source: '/vmcore',
    outputs: [`/${folder}/vmcore`],
    format: 'kdump',
    flattened: false,
    codec: 'zlib',
    codecLevel: 1,
    levels: [31],
  } as const;
  const {
    source: _source,
    outputs: _outputs,
    ...result
  } = dump(system, { ...request, overwrite: false, inPlace: false, dryRun: false, mmap: false, threads: 1 }, silentProgress);
  const file = (name: string) => ({
    name,
    sizeBytes: system.files.status(`/${folder}/${name}`)!.sizeBytes,
    sha256: system.files.sha256(`/${folder}/${name}`),
    complete: true,
  });
  const writeManifest = (changes = {}) =>
    putTree(root, {
      [`${folder}/manifest.json`]: JSON.stringify(
        buildManifest({ dump: result, files: [file('vmcore'), file('vmcore-dmesg.txt')], ...changes }),
      ),
    });
  writeManifest();
  const judge = () => judgeCapture(system, { machine, configuration: defaultConfiguration, folder: '/saved', ended });
  return {
    root,
    folder,
    result,
    writeManifest,
    judge,
    failed: () =>
      judge()
        .findings.filter(({ passed }) => !passed)
        .map(({ name }) => name),
  };
}

t.test('a good capture passes every finding', async (t) => {
  const { judge } = await capturedDisk(t);
  const { findings, manifest } = judge();
  t.strictSame(
    findings.map(({ name, passed }) => [name, passed]),
    ['end', 'status', 'files', 'log', 'memory', 'filter'].map((name) => [name, true]),
  );
  t.ok(manifest);
});

t.test('each kind of damage fails its finding', async (t) => {
  const log = await capturedDisk(t);
  putTree(log.root, { [`${log.folder}/vmcore-dmesg.txt`]: machine.log.replace('panic', 'PANIC') });
  t.strictSame(log.failed(), ['files', 'log']);

  const memory = await capturedDisk(t);
  const path = join(memory.root, memory.folder, 'vmcore');
  writeFileSync(path, readFileSync(path).subarray(0, 20_000));
  t.strictSame(memory.failed(), ['status', 'files', 'memory']);

  const filter = await capturedDisk(t);
  filter.writeManifest({ dump: { ...filter.result, pages: { ...filter.result.pages, user: 7 } } });
  t.strictSame(filter.failed(), ['filter']);

  const partial = await capturedDisk(t);
  partial.writeManifest({ status: 'partial', lost: ['half of it'] });
  t.strictSame(partial.failed(), ['status']);
});

t.test('an empty disk is said to be empty', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  const { findings } = judgeCapture(system, {
    machine,
    configuration: defaultConfiguration,
    folder: '/saved',
    ended: { ...ended, end: 'timeout' },
  });
  t.match(findings, [
    { name: 'end', passed: false },
    { name: 'saved', passed: false, text: 'nothing is on the disk' },
  ]);
});
