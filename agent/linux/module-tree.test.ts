import t, { type Test } from 'tap';
import { putDisk, sataBus, virtioBus } from '../testing/build-devices.ts';
import { buildModuleLists, builtRelease } from '../testing/build-modules.ts';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { findDeviceDrivers } from './device-modules.ts';
import { createModuleTree, openModuleTree } from './module-tree.ts';

const machine = async (t: Test) => {
  const root = t.testdir({});
  putTree(root, buildModuleLists());
  return { root, system: await createRootedSystem(root) };
};

t.test('modules come after all they need, soft dependencies included', async (t) => {
  const { system } = await machine(t);
  const tree = openModuleTree(system, builtRelease);
  const names = (wanted: readonly string[]) => tree.order(wanted).modules.map(({ name }) => name);
  t.same(names(['virtio_pci']), ['virtio', 'virtio_ring', 'virtio_pci']);
  t.same(names(['xfs']), ['crc32c_generic', 'libcrc32c', 'xfs']);
  t.same(names(['fs-xfs', 'virtio-blk', 'xfs']), ['crc32c_generic', 'libcrc32c', 'xfs', 'virtio', 'virtio_ring', 'virtio_blk']);
  t.equal(tree.find('virtio-pci')?.path, `/lib/modules/${builtRelease}/kernel/drivers/virtio/virtio_pci.ko.xz`);
});

t.test('built-in modules are left out and not missed', async (t) => {
  const { system } = await machine(t);
  const tree = openModuleTree(system, builtRelease);
  t.same(tree.order(['ext4', 'fs-ext3']), { modules: [], missing: [] });
  t.same(tree.order(['reiserfs']).missing, ['reiserfs']);
  t.same(tree.order([], ['reiserfs']).missing, [], 'optional ones are not missed');
});

t.test('crypto is found by its alias, without drivers of special hardware', async (t) => {
  const { system } = await machine(t);
  const tree = openModuleTree(system, builtRelease);
  t.same(
    tree.order([], ['crypto-aes', 'crypto-xts']).modules.map(({ name }) => name),
    ['aesni_intel', 'xts'],
  );
});

t.test('a release that is not installed', async (t) => {
  const { system } = await machine(t);
  t.throws(() => openModuleTree(system, '9.9'), { code: 'linux/no-modules' });
  t.throws(() => openModuleTree(system, '../../etc'), { code: 'linux/no-modules' });
});

t.test('lists with loops, odd lines and wild patterns do no harm', (t) => {
  const lists: Readonly<Record<string, readonly string[]>> = {
    'modules.dep': ['a.ko: b.ko', 'b.ko: a.ko', ':', 'no colon', 'c.ko: gone.ko'],
    'modules.alias': ['alias', 'alias x[ c', 'alias pci:[z-a] c', 'alias pci:v* c'],
    'modules.softdep': ['softdep a post: b pre: a', 'softdep', 'softdep c pre: c'],
  };
  const tree = createModuleTree('x', '/x', (name) => lists[name] ?? []);
  t.same(
    tree.order(['a', 'c']).modules.map(({ name }) => name),
    ['b', 'a', 'c'],
  );
  t.same(tree.order(['c']).missing, ['gone']);
  t.same(tree.byAlias('pci:v1'), ['c']);
  t.end();
});

t.test('drivers are found from the disk up to its bus', async (t) => {
  const { root, system } = await machine(t);
  putDisk(root, { name: 'vda', number: '254:0', bus: virtioBus });
  putDisk(root, { name: 'sda', number: '8:0', bus: sataBus });
  const tree = openModuleTree(system, builtRelease);
  t.same(findDeviceDrivers(system, 'vda', tree), { modules: ['virtio_blk', 'virtio_pci'], transport: 'local' });
  t.same(findDeviceDrivers(system, 'sda', tree).modules, ['sd_mod', 'ahci']);
  t.same(findDeviceDrivers(system, 'sdz', tree).modules, []);
});

t.test('a driver built into the running kernel is found by its alias in another one', async (t) => {
  const { root, system } = await machine(t);
  const bus = [
    { folder: 'pci0000:00' },
    { folder: '0000:01:00.0', driver: 'nvme_other', modalias: 'pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02' },
    { folder: 'nvme' },
    { folder: 'nvme0' },
  ];
  putDisk(root, { name: 'nvme0n1', number: '259:0', bus });
  t.same(findDeviceDrivers(system, 'nvme0n1', openModuleTree(system, builtRelease)).modules, ['nvme']);
});

t.test('a disk behind iSCSI is reached over the network', async (t) => {
  const { root, system } = await machine(t);
  putDisk(root, {
    name: 'sdb',
    number: '8:16',
    bus: [{ folder: 'platform' }, { folder: 'host3' }, { folder: 'session1' }, { folder: 'target3:0:0' }],
  });
  t.equal(findDeviceDrivers(system, 'sdb', openModuleTree(system, builtRelease)).transport, 'network');
});
