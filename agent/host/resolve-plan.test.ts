import t, { type Test } from 'tap';
import type { Configuration } from '../config/configuration.ts';
import { readConfiguration } from '../config/read-configuration.ts';
import { buildModuleLists, builtRelease } from '../testing/build-modules.ts';
import { putDisk, putMapping, sataBus, virtioBus } from '../testing/build-devices.ts';
import { buildGpt, buildSuperblock } from '../testing/build-superblock.ts';
import { createRootedSystem, putTree, type RootedSystem } from '../testing/rooted-system.ts';
import { currentInputHash, imageIsStale, type ResolvedPlan, resolvePlan } from './resolve-plan.ts';

const uuid = '67c50640-feb2-48c1-8d6f-238582509677';
const luks = 'eed897eb-f7f4-4b7a-ac04-6c11519e0799';
const array = '11111111-2222-3333-4444-555555555555';
const guid = '0fc63daf-8483-4772-8e79-3d69d8477de4';
const options = { kernelRelease: builtRelease, build: { version: '1', commit: 'abc' } };

const configure = (text: string): Configuration => readConfiguration(text, undefined).configuration;
const names = ({ modules }: ResolvedPlan) => modules.map(({ name }) => name);

async function machine(t: Test, tree: Readonly<Record<string, string | Uint8Array>> = {}): Promise<RootedSystem> {
  const root = t.testdir({});
  putTree(root, { ...buildModuleLists(), '/usr/bin/kcapture': 'executable', '/etc/machine-id': `${'0a'.repeat(16)}\n`, ...tree });
  const programs = { run: () => ({ status: 127, stdout: '', stderr: '' }), find: (name: string) => `/usr/sbin/${name}` };
  return createRootedSystem(root, { executablePath: '/usr/bin/kcapture', programs });
}

t.test('without a target, the file system that holds the path', async (t) => {
  const system = await machine(t, { '/proc/self/mountinfo': '1 0 254:1 / / rw - xfs /dev/vda1 rw\n' });
  putDisk(system.root, {
    name: 'vda',
    number: '254:0',
    bus: virtioBus,
    partitions: [{ name: 'vda1', partition: 1, number: '254:1', content: buildSuperblock('xfs', uuid) }],
  });
  const resolved = resolvePlan(system, configure('path /var/crash'), options);
  t.same(resolved.plan.targets, [
    { kind: 'filesystem', wish: 'path /var/crash', device: `UUID=${uuid}`, fsType: 'xfs', options: '', folder: '/var/crash', layers: [] },
  ]);
  t.same(names(resolved), ['crc32c_generic', 'crc32c_intel', 'virtio', 'virtio_ring', 'virtio_blk', 'virtio_pci', 'libcrc32c', 'xfs']);
  t.same(
    resolved.earlyModules.map(({ name }) => name),
    ['loop', 'squashfs'],
  );
  t.same(resolved.plan.modules.at(-1), '/usr/lib/kcapture/modules/xfs.ko');
  t.equal(resolved.plan.machineId, '0a'.repeat(16));
  t.same(resolved.warnings, []);
});

t.test('dump_to_rootfs arms what holds the path as the last resort, with its drivers', async (t) => {
  const system = await machine(t, { '/proc/self/mountinfo': '1 0 254:1 / / rw - xfs /dev/vda1 rw\n' });
  putDisk(system.root, {
    name: 'vda',
    number: '254:0',
    bus: virtioBus,
    partitions: [{ name: 'vda1', partition: 1, number: '254:1', content: buildSuperblock('xfs', uuid) }],
  });
  const armed = resolvePlan(system, configure('ext4 LABEL=absent\nfailure_action dump_to_rootfs'), options);
  t.match(armed.plan.root, { kind: 'filesystem', device: `UUID=${uuid}`, fsType: 'xfs', folder: '/var/crash' });
  t.ok(['virtio_blk', 'xfs'].every((name) => names(armed).includes(name)));
  t.notOk('root' in resolvePlan(system, configure('ext4 LABEL=absent'), options).plan);
});

t.test('a subvolume of btrfs is mounted by its name', async (t) => {
  const mountinfo =
    '1 0 0:25 /@ / rw - btrfs /dev/sda2 rw,subvolid=256,subvol=/@\n2 1 0:25 /@crash/deep /var/crash rw - btrfs /dev/sda2 rw,subvolid=257,subvol=/@crash\n';
  const system = await machine(t, { '/proc/self/mountinfo': mountinfo });
  putDisk(system.root, {
    name: 'sda',
    number: '8:0',
    bus: sataBus,
    partitions: [{ name: 'sda2', partition: 2, number: '8:2', content: buildSuperblock('btrfs', uuid) }],
  });
  t.match(resolvePlan(system, configure('path /srv'), options).plan.targets, [{ options: 'subvol=/@', folder: '/srv' }]);
  const bound = resolvePlan(system, configure('path /var/crash/x'), options);
  t.match(bound.plan.targets, [{ device: `UUID=${uuid}`, options: 'subvol=/@crash', folder: '/deep/x' }]);
  t.ok(names(bound).includes('ahci') && names(bound).includes('sd_mod') && names(bound).at(-1) === 'btrfs');
});

const stacked = (system: RootedSystem) => {
  putDisk(system.root, {
    name: 'vda',
    number: '254:0',
    bus: virtioBus,
    partitions: [{ name: 'vda3', partition: 3, number: '254:3', content: buildSuperblock('luks2', luks) }],
  });
  const mapper = { name: 'cryptroot', uuid: `CRYPT-LUKS2-${luks.replaceAll('-', '')}-cryptroot` };
  putMapping(system.root, { name: 'dm-0', number: '253:0', slaves: ['vda3'], mapper });
  putMapping(system.root, {
    name: 'dm-1',
    number: '253:1',
    slaves: ['dm-0'],
    mapper: { name: 'vg0-root', uuid: 'LVM-abc' },
    content: buildSuperblock('ext4', uuid),
  });
};

t.test('LVM on LUKS with a key file: layers, programs, crypto and a word about its memory', async (t) => {
  const system = await machine(t, {
    '/proc/self/mountinfo': '1 0 253:1 / / rw - ext4 /dev/mapper/vg0-root rw\n',
    '/etc/crypttab': `cryptroot UUID=${luks} /etc/keys/root luks\n`,
    '/etc/keys/root': 'secret',
  });
  stacked(system);
  const resolved = resolvePlan(system, configure(''), options);
  t.match(resolved.plan.targets, [
    {
      device: '/dev/mapper/vg0-root',
      layers: [
        { kind: 'luks', uuid: luks, name: 'cryptroot', keyFile: `/etc/kcapture/keys/${luks}` },
        { kind: 'lvm', volumeGroup: 'vg0', logicalVolume: 'root' },
      ],
    },
  ]);
  t.same(resolved.keyFiles, [{ source: '/etc/keys/root', destination: `/etc/kcapture/keys/${luks}`, mode: 0o600 }]);
  t.same(resolved.programs, ['/usr/sbin/cryptsetup', '/usr/sbin/lvm']);
  t.same(resolved.libraries, ['libgcc_s.so.1']);
  t.ok(
    ['dm_crypt', 'aesni_intel', 'xts', 'ecb'].every((name) => names(resolved).includes(name)),
    names(resolved).join(' '),
  );
  t.notOk(names(resolved).includes('padlock_aes'));
  t.match(resolved.warnings, [/1\.00 GiB of memory for Argon2/]);
  t.notMatch(JSON.stringify(resolved.plan), /secret/);
});

t.test('a passphrase nobody can type is said', async (t) => {
  const system = await machine(t, {
    '/proc/self/mountinfo': '1 0 253:1 / / rw - ext4 /dev/mapper/vg0-root rw\n',
    '/etc/crypttab': `cryptroot UUID=${luks} none luks\n`,
  });
  stacked(system);
  const resolved = resolvePlan(system, configure(''), options);
  t.match(resolved.plan.targets, [{ layers: [{ keyFile: undefined }, {}] }]);
  t.match(resolved.warnings, [/cannot be opened with nobody there: it has no key file/]);
});

t.test('a RAID array, a raw partition, and targets that cannot be used, in the order of the file', async (t) => {
  const system = await machine(t);
  for (const [name, number] of [
    ['sda', '8:0'],
    ['sdb', '8:16'],
  ]) {
    putDisk(system.root, {
      name,
      number,
      bus: [...sataBus.slice(0, -1), { folder: `${name}-device` }],
      content: buildSuperblock('md', array),
    });
  }
  putMapping(system.root, {
    name: 'md0',
    number: '9:0',
    slaves: ['sda', 'sdb'],
    raidLevel: 'raid1',
    content: buildSuperblock('xfs', uuid),
  });
  putDisk(system.root, {
    name: 'vda',
    number: '254:0',
    bus: virtioBus,
    content: buildGpt(guid),
    partitions: [{ name: 'vda2', partition: 2, number: '254:2' }],
  });
  const text = `path /dumps\nxfs UUID=${uuid}\nraw /dev/vda2\nnfs 192.0.2.9:/export\next4 LABEL=absent\n`;
  const resolved = resolvePlan(system, configure(text), options);
  t.same(resolved.plan.targets, [
    {
      kind: 'filesystem',
      wish: `xfs UUID=${uuid}`,
      device: `UUID=${uuid}`,
      fsType: 'xfs',
      options: '',
      folder: '/dumps',
      layers: [{ kind: 'md', uuid: array }],
    },
    { kind: 'raw', wish: 'raw /dev/vda2', device: `PARTUUID=${guid}`, layers: [] },
    {
      kind: 'nfs',
      wish: 'nfs 192.0.2.9:/export',
      host: '192.0.2.9',
      addresses: ['192.0.2.9'],
      exported: '/export',
      options: '',
      folder: '/dumps',
    },
    { kind: 'filesystem', wish: 'ext4 LABEL=absent', device: 'LABEL=absent', fsType: 'ext4', options: '', folder: '/dumps', layers: [] },
  ]);
  t.ok(['md_mod', 'raid1', 'virtio_blk'].every((name) => names(resolved).includes(name)));
  t.match(resolved.warnings[0], /"ext4 LABEL=absent" is not on this machine/);
});

t.test('the input hash changes with what the image is made from, and with nothing else', async (t) => {
  const system = await machine(t, { '/proc/self/mountinfo': '1 0 254:0 / / rw - ext4 /dev/vda rw\n', '/etc/kcapture.conf': 'path /a\n' });
  putDisk(system.root, { name: 'vda', number: '254:0', bus: virtioBus, content: buildSuperblock('ext4', uuid) });
  const configuration = readConfiguration('path /a\n', '/etc/kcapture.conf').configuration;
  const { plan } = resolvePlan(system, configuration, options);
  t.notOk(imageIsStale(system, configuration, plan, options.build));
  putTree(system.root, { '/etc/unrelated': 'x' });
  t.equal(currentInputHash(system, configuration, options), plan.inputHash);
  putTree(system.root, { '/etc/kcapture.conf': 'path /a\n# changed\n' });
  const second = currentInputHash(system, configuration, options);
  t.not(second, plan.inputHash);
  putTree(system.root, { '/usr/bin/kcapture': 'another executable' });
  t.not(currentInputHash(system, configuration, options), second);
  t.ok(imageIsStale(system, configuration, plan, options.build));
});

t.test('hooks and extra programs bring their interpreters', async (t) => {
  const system = await machine(t, { '/usr/local/pre': '#!/usr/bin/env bash\n', '/usr/local/post': 'ELF', '/usr/sbin/bash': 'ELF' });
  const resolved = resolvePlan(system, configure('kdump_pre /usr/local/pre\nkdump_post /usr/local/post\n'), options);
  t.same(resolved.programs, ['/usr/local/pre', '/usr/sbin/bash', '/usr/local/post']);
});

t.test('a kernel whose modules are not installed', async (t) => {
  const system = await machine(t);
  t.throws(() => resolvePlan(system, configure(''), { ...options, kernelRelease: '9.9' }), { code: 'linux/no-modules' });
});
