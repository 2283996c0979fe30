import t, { type Test } from 'tap';
import { run } from '../cli.ts';
import { crashPanic } from '../testing/build-crash.ts';
import { type CaptureMachineOptions, createCaptureMachine } from '../testing/capture-machine.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
const configuration = 'ext4 UUID=1-2\npath /crash\ncompress zlib\nkeep 3\n';

async function setUp(t: Test, options: CaptureMachineOptions = {}) {
  const machine = await createCaptureMachine(t, { ...options, files: { '/etc/kcapture.conf': configuration, ...options.files } });
  return { machine, go: (...words: string[]) => run(machine.system, build, ['capture', ...words]) };
}

t.test('--dry-run tells what would be done and does nothing', async (t) => {
  const { machine, go } = await setUp(t);
  t.equal(await go('--dry-run', '--unattended'), 0);
  const { out } = machine.system.printed;
  t.match(out, /^memory +\/proc\/vmcore: Linux 5\.10\.209, at most .* before compression$/m);
  t.match(out, /^target 1 +ext4 UUID=1-2 \(not there now, to be mounted\), folder \/crash$/m);
  t.match(out, /^old dumps +the newest 3 stay$/m);
  t.match(out, /^at the end +reboot; after a failure reboot$/m);
  t.match(out, /^problem +There is no \/etc\/kcapture\/armed\.json/m);
  t.same(machine.calls, []);
});

t.test('--to saves into a folder and says what to do next', async (t) => {
  const { machine, go } = await setUp(t);
  t.equal(await go('--to', '/target'), 0);
  t.match(machine.system.printed.out, /^saved +\/target\/test-2026-03-04-05:06:07$/m);
  t.match(machine.read('/target/test-2026-03-04-05:06:07/vmcore-dmesg.txt'), crashPanic);
  t.same(machine.calls, []);
});

t.test('--json is the result, for programs', async (t) => {
  const { machine, go } = await setUp(t);
  t.equal(await go('--to', '/target', '--dmesg-only', '--json'), 0);
  t.match(JSON.parse(machine.system.printed.out), { status: 'dmesg-only', asWished: true, manifest: { version: 1 } });
});

t.test('--unattended on a machine that did not crash is refused: it would restart it', async (t) => {
  const { machine, go } = await setUp(t, { files: { '/proc/cmdline': 'root=/dev/sda1\n' } });
  machine.system.files.remove('/proc/vmcore');
  t.equal(await go('--unattended'), 1);
  t.match(machine.system.printed.error, /this kernel was not started by a crash/);
  t.same(machine.calls, []);
});

t.test('exit codes tell what was saved', async (t) => {
  const nothing = await setUp(t, { files: { '/file': 'no folder' } });
  t.equal(await nothing.go('--to', '/file/x'), 1);
  t.match(nothing.machine.system.printed.out, /Nothing was saved/);
  const full = await setUp(t, { disks: { '/target': { roomBytes: 100_000, fault: 'sink/no-space' } } });
  t.equal(await full.go('--to', '/target', '--config', '/etc/kcapture.conf'), 3);
  t.equal(await full.go('--safe', '--dmesg-only'), 2);
});

t.test('a source elsewhere is saved too', async (t) => {
  const { machine, go } = await setUp(t);
  machine.system.files.copy('/proc/vmcore', '/core');
  t.equal(await go('--source', '/core', '--to', '/target', '--safe'), 0);
  t.match(machine.system.printed.error, /1\.2\.3, safe/);
});
