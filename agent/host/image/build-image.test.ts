import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import type { ArmedPlan } from '../../config/armed-plan.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import { readConfiguration } from '../../config/read-configuration.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';
import { makeKeyPair } from '../../remote/ssh/key-pair.ts';
import { putDisk, virtioBus } from '../../testing/build-devices.ts';
import { buildModuleLists, builtRelease } from '../../testing/build-modules.ts';
import { buildSuperblock } from '../../testing/build-superblock.ts';
import { createNodeSystem } from '../../testing/node-system.ts';
import { programsBelow } from '../../testing/machine-programs.ts';
import { createRootedSystem, putTree, type RootedSystem } from '../../testing/rooted-system.ts';
import { buildImage, chooseGenerator } from './build-image.ts';

const find = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim();
const skip = ['busybox', 'mksquashfs', 'unsquashfs', 'cpio'].every((name) => find(name) !== '') ? false : 'a program is missing';
const uuid = '67c50640-feb2-48c1-8d6f-238582509677';

/** An ELF file without sections, and what a signed module ends with. */
const plainModule = new Uint8Array(64);
plainModule.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const signedModule = new Uint8Array([...plainModule, ...new TextEncoder().encode('~Module signature appended~\n')]);

async function machine(t: Test, module: Uint8Array): Promise<RootedSystem> {
  const root = t.testdir({ var: { tmp: {} }, tmp: {}, run: {} });
  const folder = `/lib/modules/${builtRelease}`;
  putTree(root, {
    ...buildModuleLists(),
    '/proc/self/mountinfo': '1 0 254:0 / / rw - ext4 /dev/vda rw\n',
    '/etc/kcapture.conf': 'path /var/crash\ntime_limit 10m\n',
    '/usr/bin/kcapture': '#!/bin/sh\nexit 0\n',
    [`/boot/config-${builtRelease}`]:
      'CONFIG_SQUASHFS_XZ=y\nCONFIG_XZ_DEC_X86=y\nCONFIG_MODULE_SIG=y\nCONFIG_SECURITY_LOCKDOWN_LSM=y\nCONFIG_LSM="lockdown,yama"\n',
  });
  for (const path of [
    'drivers/virtio/virtio',
    'drivers/virtio/virtio_ring',
    'drivers/block/virtio_blk',
    'drivers/block/loop',
    'fs/squashfs/squashfs',
    'crypto/crc32c_generic',
    'arch/x86/crypto/crc32c-intel',
  ]) {
    putTree(root, { [`${folder}/kernel/${path}.ko`]: module });
  }
  // Decompressed by the real program, so it must be a real file of its kind.
  writeFileSync(join(root, 'tmp/virtio_pci.ko'), module);
  const compressed = spawnSync('xz', ['-c', join(root, 'tmp/virtio_pci.ko')]).stdout;
  putTree(root, { [`${folder}/kernel/drivers/virtio/virtio_pci.ko.xz`]: compressed });
  chmodSync(join(root, 'usr/bin/kcapture'), 0o755);
  const busybox = find('busybox');
  mkdirSync(join(root, busybox, '..'), { recursive: true });
  copyFileSync(busybox, join(root, busybox));
  putDisk(root, { name: 'vda', number: '254:0', bus: virtioBus, content: buildSuperblock('ext4', uuid) });
  const { programs } = await createNodeSystem();
  return createRootedSystem(root, { executablePath: '/usr/bin/kcapture', programs: programsBelow(root, programs) });
}

function build(system: RootedSystem) {
  const { configuration } = readConfiguration(system.files.readTextIfThere('/etc/kcapture.conf') ?? '', '/etc/kcapture.conf');
  const made = buildImage(system, {
    configuration,
    kernelRelease: builtRelease,
    build: { version: '1', commit: 'x' },
    output: '/var/image',
    generator: 'own',
  });
  return { made, path: join(system.root, 'var/image') };
}

/** The payload's archive as it is, and behind it the compressed one. */
function unpack(t: Test, path: string): string {
  const bytes = readFileSync(path);
  const start = bytes.indexOf(Buffer.from([0x1f, 0x8b, 0x08]), bytes.indexOf('TRAILER!!!'));
  t.equal(start % 4, 0, 'the kernel looks for the next archive at a multiple of four');
  const folder = join(path, '../unpacked');
  mkdirSync(folder);
  for (const archive of [bytes.subarray(0, start), gunzipSync(bytes.subarray(start))]) {
    const { status, stderr } = spawnSync('cpio', ['--quiet', '-idm', '--nonmatching', 'dev/*'], {
      cwd: folder,
      input: archive,
      encoding: 'utf8',
    });
    t.equal(status, 0, stderr);
  }
  return folder;
}

t.test('an image holds the plan, the script, the modules, the payload and a shell', { skip }, async (t) => {
  const { made, path } = build(await machine(t, signedModule));
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(path).size, made.sizeBytes);
  t.same(made.warnings, []);
  t.same(made.commandLineWords, ['root=kcapture', 'lockdown=confidentiality']);
  const folder = unpack(t, path);
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const plan = JSON.parse(read('etc/kcapture/armed.json')) as ArmedPlan;
  t.match(plan, {
    version: 1,
    targets: [{ device: `UUID=${uuid}`, fsType: 'ext4', folder: '/var/crash' }],
    inputHash: made.plan.inputHash,
  });
  for (const module of plan.modules) t.same(readFileSync(join(folder, module)), Buffer.from(signedModule), module);
  t.same(read('usr/lib/kcapture/early-modules').trim().split('\n'), [
    '/usr/lib/kcapture/modules/loop.ko',
    '/usr/lib/kcapture/modules/squashfs.ko',
  ]);
  t.equal(read('etc/kcapture.conf'), 'path /var/crash\ntime_limit 10m\n');
  t.equal(read('etc/kcapture/guard'), '600 780\n');
  t.equal(read('usr/lib/kcapture/capture.sh'), readFileSync('hooks/capture.sh', 'utf8'));
  t.equal(statSync(join(folder, 'init')).mode & 0o777, 0o755);
  t.equal(read('usr/lib/kcapture/kcapture.squashfs').slice(0, 4), 'hsqs');
});

t.test('credentials travel to the same place, and nobody else looks into it', { skip }, async (t) => {
  const system = await machine(t, signedModule);
  const place = parseRemoteUrl('ssh://crash@192.0.2.9');
  const own = credentialsFolder(place);
  const { privateKey, publicKey } = makeKeyPair('test');
  putTree(system.root, {
    '/etc/kcapture.conf': 'target ssh://crash@192.0.2.9\n',
    [`${own}/id_ed25519`]: privateKey,
    [`${own}/id_ed25519.pub`]: publicKey,
    [`${own}/known_hosts`]: `192.0.2.9 ${publicKey}`,
  });
  const { path } = build(system);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const folder = unpack(t, path);
  const mode = (name: string) => statSync(join(folder, name)).mode & 0o777;
  t.equal(readFileSync(join(folder, own, 'id_ed25519'), 'utf8'), privateKey);
  t.same([own, '/etc/kcapture/targets', `${own}/id_ed25519`, `${own}/known_hosts`].map(mode), [0o700, 0o700, 0o600, 0o600]);
  t.notOk(existsSync(join(folder, own, 'id_ed25519.pub')));
  const open = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (statSync(join(folder, name)).mode & 0o044) !== 0,
  );
  const [secret] = privateKey.split('\n').slice(3);
  for (const name of open)
    if (statSync(join(folder, name)).isFile()) t.notOk(readFileSync(join(folder, name)).includes(secret ?? ''), name);
});

t.test('with an unsigned module the kernel is not locked down', { skip }, async (t) => {
  const { made } = build(await machine(t, plainModule));
  t.same(made.commandLineWords, ['root=kcapture']);
});

t.test('the same inputs give the same image', { skip }, async (t) => {
  const system = await machine(t, signedModule);
  const first = readFileSync(build(system).path);
  const second = readFileSync(build(system).path);
  const withoutTime = (bytes: Buffer) => bytes.subarray(0, bytes.indexOf('TRAILER!!!'));
  t.ok(withoutTime(first).equals(withoutTime(second)));
});

t.test('a generator is used where our hook for it is', async (t) => {
  const root = t.testdir({});
  const programs = { run: () => ({ status: 1, stdout: '', stderr: 'no space' }), find: (name: string) => `/usr/bin/${name}` };
  const system = await createRootedSystem(root, { programs });
  t.equal(chooseGenerator(system, 'auto'), 'own');
  t.equal(chooseGenerator(system, 'dracut'), 'dracut');
  putTree(root, { '/usr/lib/dracut/modules.d/99kcapture/module-setup.sh': '' });
  t.equal(chooseGenerator(system, 'auto'), 'dracut');
  putTree(root, { '/etc/mkinitcpio.d/linux.preset': '', '/usr/lib/kcapture/initcpio/install/kcapture': '' });
  t.equal(chooseGenerator(system, 'auto'), 'mkinitcpio');
});
