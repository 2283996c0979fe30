import { createHash } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createFiles } from '../../sys/machine-files.ts';
import { putTree } from '../../testing/rooted-system.ts';
import { type InstallOptions, install } from './install.ts';
import { uninstall } from './uninstall.ts';

const options: InstallOptions = {
  version: '1.2.3',
  generator: 'auto',
  panicOn: undefined,
  executable: Buffer.from('the executable'),
  enable: undefined,
};

/** A system with everything our files belong to. */
const everything = {
  'usr/lib/systemd/systemd': 'init',
  'usr/lib/udev/rules.d/50-udev-default.rules': '#',
  'usr/bin/kernel-install': '#!/bin/sh',
  'usr/share/libalpm/hooks/60-depmod.hook': '[Trigger]',
  'etc/kernel/postrm.d/initramfs-tools': '#!/bin/sh',
  'usr/lib/dracut/modules.d/99base/module-setup.sh': '#!/bin/bash',
  'usr/bin/mkinitcpio': '#!/bin/bash',
  'etc/systemd/system/multi-user.target.wants/ssh.service': '',
};

function setUp(t: Test, tree: Readonly<Record<string, string>> = everything) {
  const folder = t.testdir({});
  putTree(folder, { 'etc/hostname': 'box\n', ...tree });
  return { folder, files: createFiles({ root: folder }), before: listing(folder) };
}

/** Path → kind, mode, owner and content of everything below a folder. */
function listing(folder: string, path = ''): Record<string, string> {
  const place = join(folder, path);
  const { mode, uid, gid } = lstatSync(place);
  const facts = `${mode.toString(8)} ${uid}:${gid}`;
  if (lstatSync(place).isSymbolicLink()) return { [path]: `${facts} -> ${readlinkSync(place)}` };
  if (!lstatSync(place).isDirectory()) return { [path]: `${facts} ${createHash('sha256').update(readFileSync(place)).digest('hex')}` };
  return Object.assign({ [path]: facts }, ...readdirSync(place).map((name) => listing(folder, join(path, name))));
}

t.test('install writes what the system has a use for, and --uninstall leaves the system as it was', async (t) => {
  const { folder, files, before } = setUp(t);
  const report = install(files, { ...options, panicOn: ['oops', 'hardlockup'] });
  t.same(report.notes, []);
  const after = listing(folder);
  for (const path of report.written) t.ok(path.slice(1) in after, path);
  t.same(
    Object.keys(before).filter((path) => after[path] !== before[path]),
    [],
    'nothing that was there is changed',
  );
  t.equal(lstatSync(join(folder, 'usr/bin/kcapture')).mode & 0o777, 0o755);
  t.equal(readFileSync(join(folder, 'usr/bin/kcapture'), 'utf8'), 'the executable');
  t.equal(
    readlinkSync(join(folder, 'etc/systemd/system/multi-user.target.wants/kcapture.service')),
    '/usr/lib/systemd/system/kcapture.service',
  );
  t.match(readFileSync(join(folder, 'etc/sysctl.d/90-kcapture.conf'), 'utf8'), /kernel\.panic_on_oops = 1/);
  t.same(uninstall(files, {}).kept, []);
  t.same(listing(folder), before);
});

t.test('a system without systemd, generators and package hooks gets the executable and a configuration', async (t) => {
  const { folder, files, before } = setUp(t, {});
  t.same(install(files, options).written, ['/usr/bin/kcapture', '/etc/kcapture.conf']);
  uninstall(files, {});
  t.same(listing(folder), before);
});

t.test('installing twice changes nothing, and one uninstall removes it all', async (t) => {
  const { folder, files, before } = setUp(t);
  install(files, options);
  const once = listing(folder);
  t.same(install(files, options).written, []);
  t.same(listing(folder), once);
  uninstall(files, {});
  t.same(listing(folder), before);
  t.same(uninstall(files, {}), { removed: [], kept: [] });
  t.same(listing(folder), before);
});

t.test('a new version replaces what the old one wrote and nobody changed', async (t) => {
  const { folder, files, before } = setUp(t);
  install(files, options);
  t.same(install(files, { ...options, version: '1.2.4', executable: Buffer.from('newer') }).written, ['/usr/bin/kcapture']);
  t.equal(readFileSync(join(folder, 'usr/bin/kcapture'), 'utf8'), 'newer');
  uninstall(files, {});
  t.same(listing(folder), before);
});

t.test('another generator takes the files of the first away', async (t) => {
  const { folder, files, before } = setUp(t);
  install(files, { ...options, generator: 'dracut' });
  t.notOk('usr/lib/kcapture/initcpio/mkinitcpio.conf' in listing(folder));
  t.match(install(files, { ...options, generator: 'mkinitcpio' }).removed, ['/usr/lib/dracut/modules.d/99kcapture/kcapture-cmdline.sh']);
  t.notOk('usr/lib/dracut/modules.d/99kcapture' in listing(folder));
  t.ok('usr/lib/kcapture/kcapture-capture.service' in listing(folder), 'what both need stays');
  t.ok(install(files, { ...options, generator: 'own' }).removed.includes('/usr/lib/kcapture/not-in-capture.conf'));
  uninstall(files, {});
  t.same(listing(folder), before);
});

t.test('what somebody changed is neither replaced nor removed, and is named', async (t) => {
  const { folder, files } = setUp(t);
  install(files, options);
  const unit = join(folder, 'usr/lib/systemd/system/kcapture.service');
  writeFileSync(unit, 'mine');
  t.match(install(files, options).notes, [/kcapture\.service was changed/]);
  t.match(uninstall(files, {}).kept, [{ path: '/usr/lib/systemd/system/kcapture.service', why: /changed/ }]);
  t.equal(readFileSync(unit, 'utf8'), 'mine');
});

t.test('the running executable goes even if it is a newer one than the installed', async (t) => {
  const { folder, files, before } = setUp(t);
  install(files, options);
  writeFileSync(join(folder, 'usr/bin/kcapture'), 'copied over by hand');
  t.same(uninstall(files, { executablePath: '/usr/bin/kcapture' }).kept, []);
  t.same(listing(folder), before);
});

t.test(
  'what another package owns is not ours: the same content stays, other content stops the installation before anything is written',
  async (t) => {
    const { folder, files, before } = setUp(t);
    install(files, options);
    const unit = readFileSync(join(folder, 'usr/lib/systemd/system/kcapture.service'), 'utf8');
    uninstall(files, {});
    putTree(folder, { 'usr/lib/systemd/system/kcapture.service': unit });
    const packaged = listing(folder);
    install(files, options);
    uninstall(files, {});
    t.same(listing(folder), packaged);
    putTree(folder, { 'usr/lib/systemd/system/kcapture.service': 'other' });
    const foreign = listing(folder);
    t.throws(() => install(files, options), { code: 'install/occupied', message: /other content is there/ });
    t.same(listing(folder), foreign);
    t.not(foreign, before);
  },
);

t.test('images and payloads go with --uninstall, and what is not ours stays', async (t) => {
  const { folder, files } = setUp(t);
  install(files, options);
  putTree(folder, {
    'var/lib/kcapture/kcapture-6.1.0-50-cloud-amd64.img': 'image',
    'var/lib/kcapture/payload-0123456789abcdef.squashfs': 'payload',
    'var/lib/kcapture/payload-0123456789abcdef.squashfs-incomplete': 'payload',
    'var/lib/kcapture/loaded.json': '{}',
    'var/lib/kcapture/notified.json': '{}',
    'var/lib/kcapture/kcapture-6.1.0-50-cloud-amd64.json': '{}',
    'var/lib/kcapture/staging-6.1.0-50-cloud-amd64/loop.ko': 'module',
    'var/lib/kcapture/notes.txt': 'somebody else',
    'var/crash/box-2026-01-02-03:04:05/vmcore': 'dump',
  });
  uninstall(files, {});
  t.same(readdirSync(join(folder, 'var/lib/kcapture')), ['notes.txt']);
  t.equal(readFileSync(join(folder, 'var/crash/box-2026-01-02-03:04:05/vmcore'), 'utf8'), 'dump');
});

t.test('starting at boot: on at first, then as the administrator left it, unless told', async (t) => {
  const { folder, files } = setUp(t);
  const link = join(folder, 'etc/systemd/system/multi-user.target.wants/kcapture.service');
  const isEnabled = () => lstatSync(link, { throwIfNoEntry: false }) !== undefined;
  install(files, options);
  t.equal(isEnabled(), true);
  unlinkSync(link);
  install(files, options);
  t.equal(isEnabled(), false, 'disabled by hand');
  install(files, { ...options, enable: true });
  t.equal(isEnabled(), true);
  unlinkSync(link);
  symlinkSync('/lib/systemd/system/kcapture.service', link);
  install(files, options);
  t.equal(isEnabled(), true, 'made anew by systemctl');
  install(files, { ...options, enable: false });
  t.equal(isEnabled(), false);
  install(files, options);
  t.equal(isEnabled(), false, 'stays disabled');
});

t.test('a first installation that fails is taken back', async (t) => {
  const { folder, files } = setUp(t);
  // A file where a folder is needed.
  putTree(folder, { 'usr/lib/kcapture': 'no folder' });
  putTree(folder, { 'var/lib/kcapture/payload-0123456789abcdef.squashfs': 'payload' });
  const before = listing(folder);
  t.throws(() => install(files, options), { code: /^files\// });
  t.same(listing(folder), before);
});

t.test('a damaged record is one clear error, and nothing is removed by it', async (t) => {
  const { folder, files } = setUp(t);
  install(files, options);
  const path = join(folder, 'var/lib/kcapture/installed.json');
  const good = readFileSync(path, 'utf8');
  const before = listing(folder);
  const records = [
    ...Array.from({ length: 40 }, (_, index) => good.slice(0, Math.floor((index * (good.length - 2)) / 40))),
    good.replace('"version": 1', '"version": 2'),
    good.replaceAll('/usr/bin/kcapture', '/usr/bin/../../etc/hostname'),
    good.replaceAll('/usr/bin/kcapture', 'etc/hostname'),
    good.replaceAll('"folder"', '"pipe"'),
    '[]',
    'null',
  ];
  for (const text of records) {
    writeFileSync(path, text);
    t.throws(() => uninstall(files, {}), { code: 'install/record', hint: /./ }, text.slice(-40));
  }
  writeFileSync(path, good);
  chmodSync(path, 0o600);
  t.same(listing(folder), before);
});

t.test('a folder that got other contents stays', async (t) => {
  const { folder, files, before } = setUp(t);
  install(files, options);
  mkdirSync(join(folder, 'usr/lib/kcapture/mine'));
  uninstall(files, {});
  t.ok(lstatSync(join(folder, 'usr/lib/kcapture/mine')).isDirectory());
  rmSync(join(folder, 'usr/lib/kcapture'), { recursive: true });
  t.same(listing(folder), before);
});

t.test('a configuration is written where there is none, and stays once somebody changed it', async (t) => {
  const { folder, files, before } = setUp(t, {});
  const path = join(folder, 'etc/kcapture.conf');
  install(files, { ...options, generator: 'own' });
  t.match(readFileSync(path, 'utf8'), /\ngenerator own\n$/);
  install(files, options);
  t.notMatch(readFileSync(path, 'utf8'), /^generator/m, 'ours, unchanged: brought up to date');
  writeFileSync(path, 'path /dumps\n');
  t.same(install(files, options).notes, []);
  t.match(uninstall(files, {}).kept, [{ path: '/etc/kcapture.conf', why: /changed/ }]);
  t.equal(readFileSync(path, 'utf8'), 'path /dumps\n');
  unlinkSync(path);
  t.same(listing(folder), before);
});

t.test("an administrator's own configuration is never touched", async (t) => {
  for (const name of ['etc/kcapture.conf', 'etc/kdump.conf']) {
    const { folder, files, before } = setUp(t, { [name]: 'path /dumps\n' });
    install(files, options);
    t.equal(readFileSync(join(folder, name), 'utf8'), 'path /dumps\n');
    t.same(
      readdirSync(join(folder, 'etc')).filter((entry) => entry.endsWith('.conf')),
      [name.slice(4)],
    );
    uninstall(files, {});
    t.same(listing(folder), before);
  }
});
