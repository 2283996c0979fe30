/** From the crash to the recovered folder, by way of a file that stands for a raw device. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { MiB } from '../../binary/units.ts';
import { capture } from '../../capture/capture.ts';
import { openSource } from '../../format/open-source.ts';
import type { System } from '../../sys/system.ts';
import { crashPanic } from '../../testing/build-crash.ts';
import { type CaptureMachineOptions, captureSettings, createCaptureMachine } from '../../testing/capture-machine.ts';
import { withFileDevice } from '../../testing/file-device.ts';
import { headersBytes, readRawHeader } from './layout.ts';
import { recoverRaw } from './recover.ts';

const device = '/dev/vdb';
const raw = { targets: [{ kind: 'raw', wish: 'raw vdb', device, layers: [] }] } as const;
const name = 'test-2026-03-04-05:06:07';

async function setUp(t: Test, deviceBytes = 16 * MiB, options: CaptureMachineOptions = {}) {
  const machine = await createCaptureMachine(t, { ...options, files: { [device]: '', ...options.files } });
  truncateSync(machine.path(device), deviceBytes);
  const system = withFileDevice(machine.system, device);
  const header = () => readRawHeader(readFileSync(machine.path(device)).subarray(0, headersBytes), deviceBytes);
  return { machine, system, header };
}

t.test('a capture on a raw device becomes the folder it would have been', async (t) => {
  const { machine, system, header } = await setUp(t);
  const result = capture(system, captureSettings(raw));
  t.match(result, { status: 'complete', where: device });
  t.match(header(), { state: 'ended', dumpComplete: true, captures: 1, name });
  t.match(recoverRaw(system, device, '/crash'), { state: 'recovered', folder: `/crash/${name}`, complete: true, warnings: [] });
  t.same(machine.list(`/crash/${name}`), ['kcapture.log 600', 'manifest.json 600', 'vmcore 600', 'vmcore-dmesg.txt 600']);
  t.match(machine.read(`/crash/${name}/vmcore-dmesg.txt`), crashPanic);
  const manifest = JSON.parse(machine.read(`/crash/${name}/manifest.json`));
  t.equal(system.files.sha256(`/crash/${name}/vmcore`), manifest.files[1].sha256);
  openSource([system.openFile(`/crash/${name}/vmcore`)], system.openCodec).close();
});

t.test('what was recovered is not recovered again, and the next capture takes its place', async (t) => {
  const { system, header } = await setUp(t);
  capture(system, captureSettings(raw));
  recoverRaw(system, device, '/crash');
  t.match(recoverRaw(system, device, '/crash'), { state: 'already', name });
  const again = capture(system, captureSettings(raw));
  t.match(again, { status: 'complete', manifest: { warnings: [] } });
  t.match(header(), { state: 'ended', captures: 1 });
});

t.test('a device that was never written to has nothing', async (t) => {
  const { system } = await setUp(t);
  t.same(recoverRaw(system, device, '/crash'), { state: 'nothing' });
});

t.test('an agent that died leaves the log and what it had of the memory, under names that say so', async (t) => {
  let writes = 0;
  const { machine, system, header } = await setUp(t);
  class Died extends Error {}
  const dying: System = {
    ...system,
    createFile: (path, options) => {
      const sink = system.createFile(path, options);
      if (path !== device) return sink;
      return {
        ...sink,
        write(offset, bytes) {
          if (writes >= 0 && ++writes > 12) writes = -1;
          if (writes < 0) throw new Died('killed');
          sink.write(offset, bytes);
        },
      };
    },
  };
  t.doesNotThrow(() =>
    capture(dying, captureSettings(raw, { collector: { ...captureSettings().configuration.collector, codec: undefined } as never })),
  );
  t.match(header(), { state: 'begun', dumpComplete: false });
  t.match(recoverRaw(system, device, '/crash'), { state: 'recovered', complete: false });
  const files = machine.list(`/crash/${name}`);
  t.ok(files.includes('vmcore-dmesg.txt 600'));
  t.notOk(files.some((file) => file.startsWith('manifest.json') || file.startsWith('vmcore ')));
});

t.test('a device that is too small keeps what fits, and it is recovered as incomplete', async (t) => {
  const { machine, system } = await setUp(t, 4 * MiB);
  const result = capture(
    system,
    captureSettings(raw, { collector: { ...captureSettings().configuration.collector, codec: undefined, levels: [0] } as never }),
  );
  t.match(result, { status: 'partial', failedTargets: [{ why: /no space/ }] });
  t.match(recoverRaw(system, device, '/crash'), { state: 'recovered', complete: false });
  t.same(machine.list(`/crash/${name}`), ['kcapture.log 600', 'manifest.json 600', 'vmcore-dmesg.txt 600', 'vmcore-incomplete 600']);
});

t.test('a dump that the disk does not give back as it was written stays incomplete', async (t) => {
  const { machine, system, header } = await setUp(t);
  capture(system, captureSettings(raw));
  const bytes = readFileSync(machine.path(device));
  bytes[(header()?.areas.dump.offset ?? 0) + 100_000] ^= 1;
  writeFileSync(machine.path(device), bytes);
  t.match(recoverRaw(system, device, '/crash'), { complete: false, warnings: [/SHA-256 differs/] });
  t.ok(machine.list(`/crash/${name}`).includes('vmcore-incomplete 600'));
});

t.test('a device with a file system on it is not the one that was meant', async (t) => {
  const { machine, system } = await setUp(t);
  const ext4 = Buffer.alloc(1024);
  ext4.writeUInt16LE(0xef53, 56);
  ext4.writeUInt32LE(1024, 4);
  ext4.writeUInt32LE(0x40, 96);
  ext4.write('precious', 120);
  const bytes = readFileSync(machine.path(device));
  ext4.copy(bytes, 1024);
  writeFileSync(machine.path(device), bytes);
  const result = capture(system, captureSettings(raw));
  t.match(result, { status: 'failed', failedTargets: [{ why: /it holds ext[234] "precious"/ }] });
  t.ok(readFileSync(machine.path(device)).equals(bytes), 'not a byte of it is touched');
});

t.test('a path that is no device is never made one', async (t) => {
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings(raw, { deviceTimeoutSeconds: 2 }));
  t.match(result, { status: 'failed', failedTargets: [{ why: /Cannot find the device \/dev\/vdb/ }] });
  t.notOk(machine.system.exists(device));
});

t.test('a capture nobody recovered gives way to the next, which says so, until there are too many', async (t) => {
  const { system, header } = await setUp(t);
  for (let captures = 1; captures <= 3; captures++) {
    const kernel = { ...system.kernel, wallClockMs: () => system.kernel.wallClockMs() + captures * 60_000 };
    const result = capture({ ...system, kernel }, captureSettings(raw));
    system.files.remove('/run/kcapture/name');
    t.equal(result.status, 'complete');
    t.match(result.manifest?.warnings, captures === 1 ? [] : [/was never recovered and gives way/]);
    t.equal(header()?.captures, captures);
  }
  const before = header();
  const kernel = { ...system.kernel, wallClockMs: () => system.kernel.wallClockMs() + 300_000 };
  t.match(capture({ ...system, kernel }, captureSettings(raw)), { status: 'failed', asWished: true });
  t.same(header(), before, 'the last one stays as it is');
});

t.test('there is no room for it: the device keeps it', async (t) => {
  const { system, header } = await setUp(t);
  capture(system, captureSettings(raw));
  const files = { ...system.files, space: () => ({ totalBytes: 1000, freeBytes: 1000 }) };
  t.throws(() => recoverRaw({ ...system, files }, device, '/crash'), { code: 'target/small' });
  t.equal(header()?.state, 'ended');
});
