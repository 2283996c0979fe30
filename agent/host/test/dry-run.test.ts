import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../../cli.ts';
import type { Programs } from '../../sys/programs-interface.ts';
import { type ArmedMachine, createArmedMachine, diskUuid, testBuild, testRelease } from '../../testing/armed-machine.ts';
import { buildBzImage } from '../../testing/build-kernel-image.ts';
import { planPath } from '../paths.ts';

/** A machine with busybox and without anything to pack with. */
const programs: Programs = {
  find: (name) => (name === 'busybox' ? '/usr/bin/busybox' : undefined),
  run: (argv) => ({
    status: argv[0] === '/usr/bin/busybox' ? 0 : 127,
    stdout: 'sh\nmount\ninsmod\nsleep\ncat\nmkdir\nrm\nchmod\nreboot\n',
    stderr: '',
  }),
};

async function machine(t: Test): Promise<ArmedMachine> {
  const system = await createArmedMachine(t.testdir({}), { programs });
  system.put({
    'usr/bin/busybox': 'a shell',
    'var/tmp/x': '',
    [`boot/vmlinuz-${testRelease}`]: buildBzImage({ release: testRelease }),
    'proc/self/status': 'CapEff:\t000001ffffffffff\n',
  });
  return system;
}

/** Every file with size and time of change, but for the folder of work in progress. */
function listTree(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('var/lib/kcapture/staging-'))
    .filter((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true)
    .map((path) => `${path} ${statSync(join(root, path)).size}`)
    .sort();
}

t.test('a dry test tries everything, shows the plan, and leaves everything as it was', async (t) => {
  const system = await machine(t);
  const before = listTree(system.root);
  t.equal(await run(system, testBuild, ['test']), 0, system.printed.error);
  const { out } = system.printed;
  t.match(out, /^Would load for a crash: kernel 6\.1\.0-test/);
  t.match(out, /ok +image +made by own, [\d.]+ KiB/);
  t.match(out, /ok +load +\/boot\/vmlinuz-6\.1\.0-test/);
  t.match(out, /ok +target 1 +path \/var\/crash: a file was written to \/var\/crash and read back/);
  t.match(out, /PASSED/);
  t.strictSame(listTree(system.root), before);
  t.equal(system.files.status('/var/crash'), undefined);
});

t.test('--json is for scripts', async (t) => {
  const system = await machine(t);
  t.equal(await run(system, testBuild, ['test', '--json']), 0);
  t.match(JSON.parse(system.printed.out), {
    passed: true,
    kernel: `/boot/vmlinuz-${testRelease}`,
    checks: [{ name: 'settings', level: 'ok' }],
  });
});

const failures: readonly { name: string; tree: Record<string, string>; says: RegExp }[] = [
  { name: 'a wrong line in the configuration', tree: { 'etc/kcapture.conf': 'pth /x\n' }, says: /FAIL +settings +line 1/ },
  { name: 'no reservation', tree: { 'sys/kernel/kexec_crash_size': '0\n' }, says: /FAIL +load +.*no memory is reserved/ },
  {
    name: 'a target that cannot be used',
    tree: { 'etc/kcapture.conf': 'nfs server:/export\n' },
    says: /FAIL +target 1 +nfs:\/\/server\/export: Cannot mount/,
  },
  { name: 'a folder that cannot be made', tree: { 'var/crash': 'a file' }, says: /FAIL +target 1 +.*\/var\/crash/ },
  { name: 'no kernel', tree: { [`boot/vmlinuz-${testRelease}`]: '' }, says: /FAIL +image +.*kernel/ },
];
for (const { name, tree, says } of failures) {
  t.test(`${name} fails the test`, async (t) => {
    const system = await machine(t);
    system.put(tree);
    t.equal(await run(system, testBuild, ['test']), 1);
    t.match(system.printed.out, says);
    t.match(system.printed.out, /FAILED/);
  });
}

t.test('a target that is not there is waited for and then missed', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': 'ext4 UUID=11111111-2222-3333-4444-555555555555\ndevice_timeout 1\n' });
  t.equal(await run(system, testBuild, ['test']), 1);
  t.match(system.printed.out, /FAIL +target 1 +.*did not appear/);
});

t.test('nothing is written to a raw device', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': `raw UUID=${diskUuid}\n` });
  const before = system.files.sha256('/dev/vda1');
  await run(system, testBuild, ['test']);
  t.equal(system.files.sha256('/dev/vda1'), before);
});

t.test('without a plan of before none is left behind', async (t) => {
  const system = await machine(t);
  system.drop(planPath(testRelease).slice(1));
  t.equal(await run(system, testBuild, ['test']), 0);
  t.equal(system.files.status(planPath(testRelease)), undefined);
});
