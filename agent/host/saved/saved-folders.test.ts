import t from 'tap';
import { run } from '../../cli.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { buildSuperblock } from '../../testing/build-superblock.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { savedFolders } from './saved-folders.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
const uuid = '01234567-89ab-cdef-0123-456789abcdef';

const disk = {
  'sys/class/block/vda1/size': '16\n',
  'sys/class/block/vda1/dev': '254:1\n',
  'dev/vda1': buildSuperblock('ext4', uuid),
};

t.test('without a configuration the default folder counts', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  t.strictSame(savedFolders(system), { folders: ['/var/crash'], unreachable: [] });
});

t.test('the folder of a target is found below the mount of its file system', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, {
    ...disk,
    'etc/kcapture.conf': `ext4 UUID=${uuid}\npath /dumps\nraw /dev/vdb\n`,
    'proc/self/mountinfo': '30 1 254:1 / /mnt/big\\040disk rw,relatime - ext4 /dev/vda1 rw\n',
  });
  t.strictSame(savedFolders(system).folders, ['/mnt/big disk/dumps']);
  t.match(savedFolders(system).unreachable, [{ target: 'raw /dev/vdb' }]);
});

t.test('a bind mount of another folder does not show the dumps', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  const mounts = '30 1 254:1 /home /home rw - ext4 /dev/vda1 rw\n31 1 254:1 /dumps/x /x rw - ext4 /dev/vda1 rw\n';
  putTree(system.root, { ...disk, 'etc/kcapture.conf': `ext4 UUID=${uuid}\npath /dumps\n`, 'proc/self/mountinfo': mounts });
  t.match(savedFolders(system).unreachable, [{ why: /not mounted/ }]);
});

t.test('list and show find what lies there', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  putTree(system.root, { 'var/crash/worker-2026-03-01-12:34:56/manifest.json': JSON.stringify(buildManifest()) });
  t.equal(await run(system, build, ['list']), 0);
  t.match(system.printed.out, /2026-03-01 12:34:56 {2}complete/);
  system.printed.out = '';
  t.equal(await run(system, build, ['list', '--json']), 0);
  t.match(JSON.parse(system.printed.out), { folders: ['/var/crash'], saved: [{ status: 'complete', manifest: { host: 'worker' } }] });
  system.printed.out = '';
  t.equal(await run(system, build, ['show']), 0);
  t.match(system.printed.out, /^status {4}complete/m);
  t.equal(await run(system, build, ['show', 'other']), 1);
  t.match(system.printed.error, /Cannot find a capture "other".*\n.*kcapture list/);
});

t.test('show --verify is exit code 3 when a file changed', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  const files = [{ name: 'vmcore', sizeBytes: 4, sha256: '0'.repeat(64), complete: true }];
  putTree(system.root, {
    'var/crash/worker-2026-03-01-12:34:56/manifest.json': JSON.stringify(buildManifest({ files })),
    'var/crash/worker-2026-03-01-12:34:56/vmcore': 'core',
  });
  t.equal(await run(system, build, ['show', '--verify']), 3);
  t.match(system.printed.out, /vmcore +4 B {2}CHANGED/);
});

t.test('without captures list says where it looked', async (t) => {
  const system = await createRootedSystem(t.testdir({}));
  t.equal(await run(system, build, ['list']), 0);
  t.equal(system.printed.out, 'No captures in /var/crash\n');
});
