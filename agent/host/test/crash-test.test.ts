import t, { type Test } from 'tap';
import { run } from '../../cli.ts';
import { type ArmedMachine, createArmedMachine, testBuild } from '../../testing/armed-machine.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { crashMarkerPath, crashNow, judgeCrashTest, readCrashMarker } from './crash-test.ts';

const id = '01234567-89ab-4cde-8f01-23456789abcd';
const marker = { version: 1, id, startedAt: '2026-03-01T12:00:00.000Z', bootId: 'boot-0' };
const folder = 'var/crash/worker-2026-03-01-12:00:05';
const log = `[   10.0] kcapture: crash test ${id}\n[   10.1] sysrq: Trigger a crash\n`;

/** A machine on which a crash test was made, and which started again. */
async function afterTest(t: Test, tree: Record<string, string> = {}): Promise<ArmedMachine> {
  const system = await createArmedMachine(t.testdir({}));
  system.put({ [crashMarkerPath]: JSON.stringify(marker), ...tree });
  return system;
}

t.test('a whole capture that holds the number is a pass', async (t) => {
  const system = await afterTest(t, { [`${folder}/manifest.json`]: JSON.stringify(buildManifest()), [`${folder}/vmcore-dmesg.txt`]: log });
  t.match(judgeCrashTest(system), { outcome: 'passed', capture: `/${folder}` });
  t.equal(await run(system, testBuild, ['test', '--result']), 0);
  t.match(system.printed.out, /^PASSED: /);
});

t.test('a capture of another crash is none of the test', async (t) => {
  const system = await afterTest(t, {
    [`${folder}/manifest.json`]: JSON.stringify(buildManifest()),
    [`${folder}/vmcore-dmesg.txt`]: log.replace('0123', '9999'),
  });
  t.match(judgeCrashTest(system), { outcome: 'failed', text: /no capture holds the number/ });
  t.equal(await run(system, testBuild, ['test', '--result']), 1);
});

t.test('a capture that is not whole is a failure, and says where it is', async (t) => {
  const system = await afterTest(t, { [`${folder}/vmcore-dmesg.txt`]: log, [`${folder}/vmcore-incomplete`]: 'x' });
  t.match(judgeCrashTest(system), { outcome: 'failed', text: /interrupted/, hint: `kcapture show /${folder}` });
});

t.test('before the restart nobody can say', async (t) => {
  const system = await afterTest(t, { 'proc/sys/kernel/random/boot_id': 'boot-0\n' });
  t.match(judgeCrashTest(system), { outcome: 'pending' });
});

t.test('a target that cannot be looked at leaves it open', async (t) => {
  const system = await afterTest(t, { 'etc/kcapture.conf': 'raw /dev/vdz\n' });
  t.match(judgeCrashTest(system), { outcome: 'pending', text: /raw \/dev\/vdz/ });
});

t.test('how far an interrupted capture came is told', async (t) => {
  const system = await afterTest(t, { 'sys/fs/pstore/pmsg-ramoops-0': 'kcapture-stage target-open worker-2026-03-01-12:00:05\n' });
  t.match(judgeCrashTest(system), { outcome: 'failed', text: /came as far as "target open"/ });
});

t.test('a note that makes no sense is none', async (t) => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"version":1}',
    JSON.stringify({ ...marker, id: '../x' }),
    JSON.stringify({ ...marker, startedAt: 'x' }),
  ]) {
    const system = await afterTest(t, { [crashMarkerPath]: text });
    t.equal(readCrashMarker(system), undefined, text);
  }
});

t.test('without a test there is no result', async (t) => {
  const system = await createArmedMachine(t.testdir({}));
  t.equal(await run(system, testBuild, ['test', '--result']), 1);
  t.match(system.printed.error, /no crash test was made.*\n.*kcapture test --crash/);
});

t.test('status tells what became of the test', async (t) => {
  const system = await afterTest(t);
  t.equal(await run(system, testBuild, ['status']), 5);
  t.match(system.printed.out, /WARN +crash test +failed, 2026-03-01/);
});

t.test('a machine that would not capture is not crashed', async (t) => {
  const system = await createArmedMachine(t.testdir({}));
  system.put({ 'sys/kernel/kexec_crash_loaded': '0\n', 'proc/sysrq-trigger': '' });
  t.equal(await run(system, testBuild, ['test', '--crash', '--yes']), 1);
  t.match(system.printed.error, /would not be captured.*\n.*kcapture status/);
  t.equal(system.files.readTextIfThere('/proc/sysrq-trigger'), '');
});

t.test('without a word of confirmation nothing is done', async (t) => {
  const system = await createArmedMachine(t.testdir({}));
  system.put({ 'proc/sysrq-trigger': '' });
  const answer = (text: string) =>
    Object.assign(system, { readStandardInput: (target: Uint8Array) => target.set(Buffer.from(text)) ?? text.length });
  for (const text of ['', 'yes\n', 'crash it\n']) {
    answer(text);
    t.equal(await run(system, testBuild, ['test', '--crash']), 2);
  }
  t.equal(system.files.readTextIfThere('/proc/sysrq-trigger'), '');
});

t.test('the crash: number in the log, marker on disk, sysrq on; and all of it taken back when the kernel goes on', async (t) => {
  const system = await createArmedMachine(t.testdir({}));
  system.put({ 'proc/sysrq-trigger': '', 'proc/sys/kernel/sysrq': '176', 'dev/kmsg': '' });
  const order: string[] = [];
  const real = system.files;
  const files = {
    ...real,
    write: (path: string, content: string | Uint8Array, mode?: number) => {
      order.push(path);
      real.write(path, content, mode);
    },
    writeExisting: (path: string, content: string | Uint8Array) => {
      order.push(`${path} ${String(content).replace(/[0-9a-f-]{36}\n/, 'ID')}`);
      real.writeExisting(path, content);
    },
  };
  const kernel = { ...system.kernel, syncAll: () => order.push('sync') };
  t.throws(() => crashNow({ ...system, files, kernel } as ArmedMachine), { code: 'test/refused' });
  t.strictSame(order, [
    crashMarkerPath,
    '/dev/kmsg <4>kcapture: crash test ID',
    'sync',
    '/proc/sys/kernel/sysrq 1',
    '/proc/sysrq-trigger c',
    '/proc/sys/kernel/sysrq 176',
  ]);
  t.equal(readCrashMarker(system), undefined);
});
