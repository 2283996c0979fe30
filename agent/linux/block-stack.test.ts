import t from 'tap';
import { putDisk, putMapping, sataBus, virtioBus } from '../testing/build-devices.ts';
import { buildSuperblock } from '../testing/build-superblock.ts';
import { createRootedSystem } from '../testing/rooted-system.ts';
import { readBlockStack, splitVolumeName } from './block-stack.ts';

const luks = 'eed897eb-f7f4-4b7a-ac04-6c11519e0799';
const array = '11111111-2222-3333-4444-555555555555';

t.test('LVM on LUKS on a partition, bottom first', async (t) => {
  const root = t.testdir({});
  const content = buildSuperblock('luks2', luks);
  putDisk(root, { name: 'vda', number: '254:0', bus: virtioBus, partitions: [{ name: 'vda3', partition: 3, number: '254:3', content }] });
  const mapper = { name: 'cryptroot', uuid: `CRYPT-LUKS2-${luks.replaceAll('-', '')}-cryptroot` };
  putMapping(root, { name: 'dm-0', number: '253:0', slaves: ['vda3'], mapper });
  putMapping(root, { name: 'dm-1', number: '253:1', slaves: ['dm-0'], mapper: { name: 'vg0-root', uuid: 'LVM-abc' } });
  t.same(readBlockStack(await createRootedSystem(root), 'dm-1'), {
    layers: [
      { kind: 'luks', uuid: luks, name: 'cryptroot', path: '/dev/vda3' },
      { kind: 'lvm', volumeGroup: 'vg0', logicalVolume: 'root', name: 'vg0-root' },
    ],
    disks: ['vda'],
    problems: [],
  });
});

t.test('a RAID array over two disks', async (t) => {
  const root = t.testdir({});
  for (const [name, number] of [
    ['sda', '8:0'],
    ['sdb', '8:16'],
  ]) {
    putDisk(root, { name, number, bus: [...sataBus.slice(0, -1), { folder: `${name}-device` }], content: buildSuperblock('md', array) });
  }
  putMapping(root, { name: 'md0', number: '9:0', slaves: ['sda', 'sdb'], raidLevel: 'raid1' });
  t.same(readBlockStack(await createRootedSystem(root), 'md0'), {
    layers: [{ kind: 'md', uuid: array, level: 'raid1' }],
    disks: ['sda', 'sdb'],
    problems: [],
  });
});

t.test('what a capture kernel cannot open is said', async (t) => {
  const root = t.testdir({});
  putDisk(root, { name: 'sda', number: '8:0', bus: sataBus });
  putMapping(root, { name: 'dm-0', number: '253:0', slaves: ['sda'], mapper: { name: 'swap', uuid: 'CRYPT-PLAIN-swap' } });
  putMapping(root, { name: 'dm-1', number: '253:1', slaves: ['sda'], mapper: { name: 'mpatha', uuid: 'mpath-36' } });
  putMapping(root, { name: 'loop0', number: '7:0', slaves: [] });
  const system = await createRootedSystem(root);
  t.match(readBlockStack(system, 'dm-0').problems, [/without a LUKS header/]);
  t.match(readBlockStack(system, 'dm-1').problems, [/multipath/]);
  t.match(readBlockStack(system, 'loop0').problems, [/file on another file system/]);
  t.match(readBlockStack(system, 'sdz').problems, [/not there/]);
});

t.test('hyphens inside LVM names are doubled', (t) => {
  t.same(splitVolumeName('vg--one-lv--two'), ['vg-one', 'lv-two']);
  t.same(splitVolumeName('a-b'), ['a', 'b']);
  t.same(splitVolumeName('plain'), ['', 'plain']);
  t.end();
});
