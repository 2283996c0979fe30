/** Kernel calls, made under Bun in a process of their own. Mounts need the superuser, and happen in a mount namespace that nobody else sees. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const driver = ['node_modules/.bin/bun', 'agent/testing/machine-driver.ts'];

t.test('calls that cannot succeed say why, and those that ask are answered', (t) => {
  const folder = t.testdir();
  const none = join(folder, 'none');
  const seen = drive([], 'calls', folder);
  t.match(seen, {
    'mount nothing': `kernel/enoent: Cannot mount "${none}" on "${none}" as ext4: no such file or directory (ENOENT)`,
    'mount a text with a NUL': /^kernel\/einval: Cannot use 4 bytes as the source of a mount/,
    'mount with a long text': /^kernel\/einval: Cannot use 70001 bytes as mount options/,
    'unmount nothing': `kernel/enoent: Cannot unmount "${none}": no such file or directory (ENOENT)`,
    'sync nothing': /^kernel\/enoent: Cannot write out the file system of ".*none": there is no such file$/,
    'sync a folder': null,
    'load no module': `kernel/enoent: Cannot load the module "${none}": there is no such file`,
    'load no kernel': `kernel/enoent: Cannot load the crash kernel "${none}": there is no such file`,
    'load with a long line': /^kernel\/einval: Cannot use 70001 bytes as the command line of a kernel/,
    'size of no device': 'kernel/enotblk: Cannot find the size of "/dev/null": it is no block device',
    'attach nothing': `kernel/enoent: Cannot open "${none}": there is no such file`,
    'no watchdog': `kernel/enoent: Cannot start the watchdog: "${none}": there is no such file`,
    'a file is no watchdog': [0, /^kernel\/enotty/, null],
    'cached bytes before and after': isInMemory(folder) ? Array : [true, 0],
    user: process.geteuid?.(),
    names: { host: hostname(), release: release() },
  });
  t.equal(seen.cpus, Number(spawnSync('nproc', { encoding: 'utf8', env: { PATH: process.env.PATH } }).stdout));
  t.end();
});

/** What lies in tmpfs has no other place than the cache. @source linux/magic.h, TMPFS_MAGIC */
function isInMemory(path: string): boolean {
  return statfsSync(path).type === 0x01021994;
}

const isSuperuser = process.geteuid?.() === 0;
const knows = (word: string) => readFileSync('/proc/filesystems', 'latin1').includes(word);
const cannotMount =
  isSuperuser && existsSync('/dev/loop-control') && knows('ext4') && knows('squashfs')
    ? false
    : 'needs root, loop devices, ext4 and squashfs';

for (const type of ['ext4', 'squashfs']) {
  t.test(`mounts, and a file that holds ${type}`, { skip: cannotMount }, (t) => {
    const folder = t.testdir({ content: { hello: 'from inside\n' } });
    const image = join(folder, 'image');
    makeImage(type, join(folder, 'content'), image);
    const place = join(folder, 'mounts');
    mkdirSync(place);
    const isMountPoint = (name: string) => `files/io: Cannot remove "${join(place, name)}": it is a mount point`;
    const target = (name: string) => `on "${join(place, name)}"`;
    t.match(drive(['unshare', '--mount'], 'mounts', place, image, type), {
      mount: null,
      mounted: ['rw,nosuid,nodev,noexec,noatime tmpfs'],
      'mode of the data': 0o750,
      space: 1024 * 1024,
      full: `files/no-space: Cannot write "${join(place, 'tmpfs/big')}": no space is left`,
      'nothing is left of it': [],
      'tree with a mount point': isMountPoint('tmpfs'),
      'bind within one device': null,
      'tree with a mount of the same device': isMountPoint('tmpfs/tree/sub'),
      'what is mounted there lives': ['file'],
      'unmount that': null,
      sync: null,
      remount: null,
      'read-only': /^files\/read-only: Cannot write/,
      bind: null,
      bound: [/^ro,nosuid.* tmpfs$/],
      'bad data': `kernel/einval: Cannot mount "tmpfs" ${target('bound')} as tmpfs: there is no such file system on it, or an option does not suit it (EINVAL)`,
      'bad type': `kernel/enodev: Cannot mount "x" ${target('bound')} as no-such-type: the kernel does not know this file system (ENODEV)`,
      attach: '/dev/loopN',
      'its size': true,
      'its file': true,
      'read-only device': '1',
      'mount the image': null,
      'what is inside': 'from inside\n',
      'mounted image': [`ro,relatime ${type}`],
      'unmount busy': `kernel/ebusy: Cannot unmount "${join(place, 'image')}": it is in use (EBUSY)`,
      'unmount lazily': null,
      'attach as older kernels do': [true, '1', '1', 'free'],
      unmount: [null, null],
      'unmount again': `kernel/einval: Cannot unmount "${join(place, 'tmpfs')}": nothing is mounted there (EINVAL)`,
    });
    t.notMatch(spawnSync('losetup', ['-a'], { encoding: 'utf8' }).stdout, image, 'detached with its last user');
    t.notMatch(readFileSync('/proc/self/mountinfo', 'latin1'), place, 'nothing of it is seen outside');
    t.end();
  });
}

function drive(before: readonly string[], ...words: string[]): Record<string, unknown> {
  const [program, ...rest] = [...before, ...driver, ...words];
  const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`machine-driver ${words.join(' ')}: ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

function makeImage(type: string, content: string, image: string): void {
  const run = (program: string, ...words: string[]) => {
    const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program}: ${status}\n${stderr}`);
  };
  if (type === 'squashfs') return run('mksquashfs', content, image, '-quiet', '-no-progress');
  writeFileSync(image, '');
  truncateSync(image, 4 * 1024 * 1024);
  run('mkfs.ext4', '-q', '-d', content, image);
}
