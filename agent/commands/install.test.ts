import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../cli.ts';
import { createPrograms } from '../sys/machine-programs.ts';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { runByNode } from '../testing/run-by-node.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
const executable = `#!/bin/sh\n[ "$*" = "version --json" ] && echo '{"version":"1.2.3"}'\n`;

/** A machine below a folder whose programs run from there, and a script that says it is kcapture. */
async function setUp(t: Test, script = executable) {
  const folder = t.testdir({ home: {}, target: {} });
  putTree(folder, { 'home/kc': script, 'usr/lib/udev/rules.d/50-udev-default.rules': '#' });
  chmodSync(join(folder, 'home/kc'), 0o755);
  const system = await createRootedSystem(folder, { executablePath: '/home/kc', programs: createPrograms(runByNode, folder) });
  const go = async (...words: string[]) => {
    system.printed.out = '';
    system.printed.error = '';
    return run(system, build, ['install', ...words]);
  };
  return { folder, system, go };
}

t.test('install says what it wrote, and what --uninstall removed', async (t) => {
  const { folder, system, go } = await setUp(t);
  t.equal(await go(), 0);
  t.match(system.printed.out, /^wrote {4}\/usr\/bin\/kcapture$/m);
  t.match(system.printed.out, /^parts found here: udev$/m);
  t.equal(statSync(join(folder, 'usr/bin/kcapture')).mode & 0o777, 0o755);
  t.equal(readFileSync(join(folder, 'usr/bin/kcapture'), 'utf8'), executable);
  t.equal(await go(), 0);
  t.match(system.printed.out, /^Everything is in its place already$/m);
  t.equal(await go('--uninstall'), 0);
  t.match(system.printed.out, /^removed {2}\/usr\/bin\/kcapture$/m);
  t.equal(await go('--uninstall'), 0);
  t.match(system.printed.out, /^Nothing was installed here$/m);
});

t.test('--json is for scripts', async (t) => {
  const { system, go } = await setUp(t);
  t.equal(await go('--json', '--generator', 'own', '--no-enable'), 0);
  t.match(JSON.parse(system.printed.out), {
    parts: ['udev'],
    written: ['/usr/lib/udev/rules.d/98-kcapture.rules'],
    removed: [],
    notes: [],
  });
  t.equal(await go('--uninstall', '--json'), 0);
  t.match(JSON.parse(system.printed.out), { kept: [], notes: [] });
});

t.test('--panic-on says what each event means', async (t) => {
  const { folder, system, go } = await setUp(t);
  t.equal(await go('--panic-on', 'oops,hardlockup'), 0);
  t.match(system.printed.out, /^a dump from now on when .*\(oops\)$/m);
  t.match(system.printed.out, /^a dump from now on when .*\(hardlockup\)$/m);
  t.match(readFileSync(join(folder, 'etc/sysctl.d/90-kcapture.conf'), 'utf8'), /kernel\.hardlockup_panic = 1/);
});

t.test('--root installs into a tree and leaves the machine alone', async (t) => {
  const { folder } = await setUp(t);
  const target = join(folder, 'target');
  mkdirSync(join(target, 'usr/lib/systemd'), { recursive: true });
  putTree(target, { 'usr/lib/systemd/systemd': '' });
  const real = await setUpReal(folder);
  t.equal(await real.go('--root', target), 0);
  t.ok(readdirSync(join(target, 'usr/lib/systemd/system')).includes('kcapture.service'));
  t.same(readdirSync(folder).sort(), ['home', 'target', 'usr']);
  t.equal(await real.go('--root', target, '--uninstall'), 0);
  t.same(readdirSync(target), ['usr']);
  t.same(readdirSync(join(target, 'usr/lib/systemd')), ['systemd']);
  t.equal(await real.go('--root', join(folder, 'nowhere')), 2);
  t.match(real.system.printed.error, /no folder/);
});

/** This machine itself, with a script of `folder` for the executable. */
async function setUpReal(folder: string) {
  const system = await createRootedSystem('/', { executablePath: join(folder, 'home/kc') });
  return { system, go: (...words: string[]) => run(system, build, ['install', ...words]) };
}

t.test('a program that is not this kcapture is never copied', async (t) => {
  for (const script of ['#!/bin/sh\necho 1.4.5\n', '#!/bin/sh\nexit 1\n', `#!/bin/sh\necho '{"version":"9.9.9"}'\n`]) {
    const { folder, system, go } = await setUp(t, script);
    t.equal(await go(), 1);
    t.match(system.printed.error, /Cannot install "\/home\/kc": .*expected kcapture 1\.2\.3\n {2}Build the executable/);
    t.same(readdirSync(folder).sort(), ['home', 'target', 'usr']);
  }
});

t.test('words that make no sense are exit code 2', async (t) => {
  const { go } = await setUp(t);
  t.equal(await go('--generator', 'mkinitrd'), 2);
  t.equal(await go('--panic-on', 'rain'), 2);
});
