import t from 'tap';
import { putDisk, putMapping, sataBus, virtioBus } from '../testing/build-devices.ts';
import { buildGpt, buildSuperblock } from '../testing/build-superblock.ts';
import { createRootedSystem } from '../testing/rooted-system.ts';
import { findBlockDevice, findDevice } from './find-device.ts';

const uuid = '67c50640-feb2-48c1-8d6f-238582509677';
const guid = '0fc63daf-8483-4772-8e79-3d69d8477de4';

t.test('without udev, devices are found by what is on them', async (t) => {
  const root = t.testdir({});
  putDisk(root, {
    name: 'sda',
    number: '8:0',
    bus: sataBus,
    content: buildGpt(guid),
    partitions: [{ name: 'sda2', partition: 2, number: '8:2', content: buildSuperblock('xfs', uuid, 'my crash') }],
  });
  putDisk(root, { name: 'vda', number: '254:0', bus: virtioBus });
  const system = await createRootedSystem(root);
  t.equal(findDevice(system, `UUID=${uuid}`), '/dev/sda2');
  t.equal(findDevice(system, `UUID=${uuid.toUpperCase()}`), '/dev/sda2');
  t.equal(findDevice(system, 'LABEL=my crash'), '/dev/sda2');
  t.equal(findDevice(system, 'LABEL="my crash"'), '/dev/sda2');
  t.equal(findDevice(system, `PARTUUID=${guid}`), '/dev/sda2');
  t.equal(findDevice(system, 'UUID=00000000-0000-0000-0000-000000000000'), undefined);
  t.equal(findDevice(system, '../sda2'), undefined);
  t.match(findBlockDevice(system, `UUID=${uuid}`), { name: 'sda2', partition: { disk: 'sda', number: 2 } });
});

t.test('of a mirror and its halves the mirror is taken', async (t) => {
  const root = t.testdir({});
  const content = buildSuperblock('ext4', uuid);
  for (const [name, number] of [
    ['sda', '8:0'],
    ['sdb', '8:16'],
  ]) {
    putDisk(root, { name, number, bus: [...sataBus.slice(0, -1), { folder: `${name}-device` }], content });
  }
  putMapping(root, { name: 'md0', number: '9:0', slaves: ['sda', 'sdb'], raidLevel: 'raid1', content });
  t.equal(findDevice(await createRootedSystem(root), `UUID=${uuid}`), '/dev/md0');
});

t.test('a device-mapper name leads to the node even where nobody made its link', async (t) => {
  const root = t.testdir({});
  putDisk(root, { name: 'vda', number: '254:0', bus: virtioBus });
  putMapping(root, { name: 'dm-0', number: '253:0', slaves: ['vda'], mapper: { name: 'vg--one-root', uuid: 'LVM-x' } });
  const system = await createRootedSystem(root);
  t.equal(findDevice(system, '/dev/mapper/vg--one-root'), '/dev/dm-0');
  t.equal(findDevice(system, '/dev/vg-one/root'), '/dev/dm-0');
  t.equal(findDevice(system, '/dev/vg-one/swap'), undefined);
});

t.test('a tag that no device has, or no path at all, is no device', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  for (const device of ['UUID=11111111-2222-3333-4444-555555555555', 'LABEL=none', 'PARTUUID=1-1', 'sda1', '']) {
    t.equal(findBlockDevice(system, device), undefined, device);
  }
});
