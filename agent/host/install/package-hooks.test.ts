import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import t, { type Test } from 'tap';
import { putTree } from '../../testing/rooted-system.ts';
import { shippedFiles } from '../shipped-files.ts';

const releases = ['6.1.0-50-amd64', '6.12.1'];
const ofRelease = (release: string) => [`kcapture-${release}.img`, `kcapture-${release}.json`, `staging-${release}`];
const images = [...releases.flatMap(ofRelease), 'loaded.json'].sort();

/** Runs a hook of a package manager on a machine below a folder that has modules for one of two images, and returns what is left. */
function runHook(t: Test, path: string, words: readonly string[], shell: readonly string[]): readonly string[] {
  const folder = t.testdir({});
  putTree(folder, { 'usr/lib/modules/6.12.1/kernel/fs.ko': '', 'lib/modules/6.12.1/kernel/fs.ko': '', 'etc/passwd': 'root' });
  for (const name of images) putTree(folder, { [`var/lib/kcapture/${name}${name.startsWith('staging') ? '/fs.ko' : ''}`]: name });
  const text = shippedFiles.find((file) => file.path === path)?.text ?? '';
  const script = text
    .replaceAll('"/lib/modules', `"${folder}/lib/modules`)
    .replaceAll(/(?<!\w)\/(usr\/lib\/modules|var\/lib\/kcapture)/g, `${folder}/$1`);
  t.not(script, text);
  const { status, stderr } = spawnSync(shell[0], [...shell.slice(1), '-c', script, path, ...words], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.equal(status, 0, stderr);
  t.same(readdirSync(`${folder}/etc`), ['passwd']);
  return readdirSync(`${folder}/var/lib/kcapture`);
}

const kernelInstall = '/usr/lib/kernel/install.d/92-kcapture.install';
const postrm = '/etc/kernel/postrm.d/kcapture';
const pacman = '/usr/lib/kcapture/drop-stale-images';
const others = images.filter((name) => !ofRelease(releases[0]).includes(name));
const cases: readonly { name: string; path: string; words: readonly string[]; left: readonly string[] }[] = [
  { name: 'kernel-install removes', path: kernelInstall, words: ['remove', '6.1.0-50-amd64', '/boot/x'], left: others },
  { name: 'kernel-install adds', path: kernelInstall, words: ['add', '6.1.0-50-amd64', '/boot/x', '/boot/vmlinuz'], left: images },
  { name: 'kernel-install tells no release', path: kernelInstall, words: ['remove'], left: images },
  { name: 'kernel-install tells a path', path: kernelInstall, words: ['remove', '../../../etc/passwd'], left: images },
  { name: "Debian's package goes", path: postrm, words: ['6.1.0-50-amd64', '/boot/vmlinuz-6.1.0-50-amd64'], left: others },
  {
    name: "Debian's package is replaced by one of the same release",
    path: postrm,
    words: ['6.12.1', '/boot/vmlinuz-6.12.1'],
    left: images,
  },
  { name: "Debian's package tells nothing", path: postrm, words: [], left: images },
  { name: 'pacman took modules away', path: pacman, words: [], left: others },
];
for (const { name, path, words, left } of cases) {
  t.test(`${name}: ${left.length === images.length ? 'every image stays' : 'the image of that kernel goes'}`, async (t) => {
    for (const shell of [['dash'], ['busybox', 'ash']]) t.same(runHook(t, path, words, shell), left);
  });
}
