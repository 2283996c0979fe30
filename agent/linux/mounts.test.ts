import t from 'tap';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { findPlace, readMounts, subvolumeOf } from './mounts.ts';

const mountinfo = [
  '22 28 0:21 / /proc rw,nosuid - proc proc rw',
  '28 1 0:25 /@ / rw,relatime shared:1 - btrfs /dev/sda2 rw,space_cache=v2,subvolid=256,subvol=/@',
  '40 28 8:1 / /var/crash rw,noatime shared:2 master:3 - ext4 /dev/sda1 rw',
  '41 28 8:17 /old /mnt rw - ext4 /dev/sdb1 rw',
  '42 28 8:33 / /mnt rw - xfs /dev/sdc1 rw',
  '43 28 8:17 /bind\\040me /srv/a\\040b rw - ext4 /dev/sdb1 rw',
  'a broken line',
  '44 28 8:1 / /cut',
].join('\n');

t.test('the file system that holds a path, and where in it the path lies', async (t) => {
  const root = t.testdir({});
  putTree(root, { '/proc/self/mountinfo': mountinfo, '/var/crash/old/x': '', '/home/x': '' });
  const system = await createRootedSystem(root);
  const place = (path: string) => {
    const found = findPlace(system, path);
    return [found?.mount.source, found?.mount.fsType, found?.folder];
  };
  t.same(place('/var/crash'), ['/dev/sda1', 'ext4', '/']);
  t.same(place('/var/crash/new/deep'), ['/dev/sda1', 'ext4', '/new/deep']);
  t.same(place('/var/crashes'), ['/dev/sda2', 'btrfs', '/@/var/crashes']);
  t.same(place('/mnt/x'), ['/dev/sdc1', 'xfs', '/x'], 'the later mount covers the earlier one');
  t.same(place('/srv/a b/c'), ['/dev/sdb1', 'ext4', '/bind me/c']);
});

t.test('links are followed as far as the path exists', async (t) => {
  const root = t.testdir({ home: {}, crash: t.fixture('symlink', 'home') });
  putTree(root, { '/proc/self/mountinfo': '40 28 8:1 / / rw - ext4 /dev/sda1 rw\n41 40 8:2 / /home rw - xfs /dev/sda2 rw\n' });
  t.match(findPlace(await createRootedSystem(root), '/crash/new'), { mount: { fsType: 'xfs' }, folder: '/new' });
});

t.test('btrfs names its subvolume, and nobody else does', async (t) => {
  const root = t.testdir({});
  putTree(root, { '/proc/self/mountinfo': mountinfo });
  t.same(readMounts(await createRootedSystem(root)).map(subvolumeOf), [undefined, '/@', undefined, undefined, undefined, undefined]);
});

t.test('no mountinfo, no answer', async (t) => {
  t.equal(findPlace(await createRootedSystem(t.testdir({})), '/var/crash'), undefined);
});
