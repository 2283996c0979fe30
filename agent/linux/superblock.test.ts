import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type BuiltSuperblock, buildGpt, buildSuperblock } from '../testing/build-superblock.ts';
import { partitionUuid } from './partition-uuid.ts';
import { probeSuperblock, type ReadBytes } from './superblock.ts';

const uuid = '67c50640-feb2-48c1-8d6f-238582509677';
const reader =
  (bytes: Uint8Array): ReadBytes =>
  (offset, length) =>
    bytes.subarray(offset, offset + length);

const expected: Readonly<Record<BuiltSuperblock, readonly [fsType: string, uuid: string | undefined, label: string | undefined]>> = {
  ext2: ['ext2', uuid, 'crash'],
  ext3: ['ext3', uuid, 'crash'],
  ext4: ['ext4', uuid, 'crash'],
  xfs: ['xfs', uuid, 'crash'],
  btrfs: ['btrfs', uuid, 'crash'],
  f2fs: ['f2fs', uuid, 'crash'],
  swap: ['swap', uuid, 'crash'],
  squashfs: ['squashfs', undefined, undefined],
  minix: ['minix', undefined, undefined],
  luks1: ['crypto_LUKS', uuid, undefined],
  luks2: ['crypto_LUKS', uuid, 'crash'],
  lvm: ['LVM2_member', '67c506-40fe-b248-c18d-6f23-8582-509677', undefined],
  md: ['linux_raid_member', uuid, 'crash'],
  vfat: ['vfat', '67C5-0640', 'crash'],
};

t.test('each superblock tells its type, UUID and label', (t) => {
  for (const [kind, [fsType, id, label]] of Object.entries(expected)) {
    t.same(probeSuperblock(reader(buildSuperblock(kind as BuiltSuperblock, uuid, 'crash'))), { fsType, uuid: id, label }, kind);
  }
  t.end();
});

t.test('a device cut short is no device with another content', (t) => {
  for (const [kind, [fsType]] of Object.entries(expected)) {
    const whole = buildSuperblock(kind as BuiltSuperblock, uuid, 'crash');
    for (let length = 0; length < whole.length; length += length < 5000 ? 61 : 1021) {
      const found = probeSuperblock(reader(whole.subarray(0, length)));
      if (found !== undefined && found.fsType !== fsType) t.fail(`${kind} cut at ${length}: ${found.fsType}`);
    }
  }
  t.end();
});

t.test('flipped bytes never throw', (t) => {
  for (const kind of Object.keys(expected)) {
    const bytes = buildSuperblock(kind as BuiltSuperblock, uuid, 'crash');
    for (let offset = 0; offset < 5400; offset++) {
      const kept = bytes[offset];
      bytes[offset] ^= 1 << (offset % 8);
      probeSuperblock(reader(bytes), bytes.length);
      bytes[offset] = kept;
    }
  }
  t.end();
});

t.test('a RAID member whose superblock is at its end is no file system', (t) => {
  const bytes = buildSuperblock('ext4', uuid, 'crash');
  const view = new DataView(bytes.buffer);
  const at = bytes.length - 8192;
  view.setUint32(at, 0xa92b4efc, true);
  view.setUint32(at + 4, 1, true);
  bytes.set([1, 2, 3], at + 16);
  t.equal(probeSuperblock(reader(bytes), bytes.length)?.fsType, 'linux_raid_member');
  t.equal(probeSuperblock(reader(bytes))?.fsType, 'ext4', 'its size is not known');
  t.end();
});

t.test('partitions have the UUID of their table', (t) => {
  const guid = '0fc63daf-8483-4772-8e79-3d69d8477de4';
  t.equal(partitionUuid(reader(buildGpt(guid)), 2), guid);
  t.equal(partitionUuid(reader(buildGpt(guid)), 1), undefined, 'an empty entry');
  t.equal(partitionUuid(reader(buildGpt(guid)), 200), undefined, 'no such entry');
  const mbr = new Uint8Array(512);
  mbr.set([0x78, 0x56, 0x34, 0x12], 440);
  mbr.set([0x55, 0xaa], 510);
  t.equal(partitionUuid(reader(mbr), 5), '12345678-05');
  t.equal(partitionUuid(reader(new Uint8Array(100)), 1), undefined);
  t.end();
});

const makers: Readonly<Record<string, readonly string[]>> = {
  'mkfs.ext4': ['-q', '-F', '-L', 'my label'],
  'mkfs.ext3': ['-q', '-F', '-L', 'three'],
  'mkfs.ext2': ['-q', '-F'],
  'mkfs.xfs': ['-q', '-L', 'xl'],
  'mkfs.btrfs': ['-q', '-L', 'bl'],
  'mkfs.vfat': ['-n', 'VLABEL'],
  'mkfs.f2fs': ['-q', '-l', 'fl'],
  'mkfs.minix': [],
  mkswap: ['-q', '-L', 'swp'],
};

for (const [program, words] of Object.entries(makers)) {
  const isThere = spawnSync('sh', ['-c', `command -v ${program} && command -v blkid`]).status === 0;
  t.test(`${program} and blkid agree with us`, { skip: isThere ? false : 'not installed' }, (t) => {
    const path = join(t.testdir(), 'image');
    writeFileSync(path, '');
    truncateSync(path, 320 * 1024 * 1024);
    execFileSync(program, [...words, path], { stdio: 'ignore' });
    const said = execFileSync('blkid', ['-p', '-o', 'export', path], { encoding: 'utf8' });
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(said)?.[1].replaceAll('\\ ', ' ');
    const fd = openSync(path, 'r');
    const found = probeSuperblock(
      (offset, length) => {
        const bytes = new Uint8Array(length);
        return bytes.subarray(0, readSync(fd, bytes, 0, length, offset));
      },
      320 * 1024 * 1024,
    );
    closeSync(fd);
    t.same(found, { fsType: value('TYPE'), uuid: value('UUID'), label: value('LABEL') });
    t.end();
  });
}
