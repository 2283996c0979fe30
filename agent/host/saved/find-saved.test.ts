import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { buildManifest } from '../../testing/build-manifest.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { chooseSaved } from './choose-saved.ts';
import { findDebugKernel } from './debug-kernel.ts';
import { findSaved } from './find-saved.ts';
import { formatSaved, formatSavedList } from './format-saved.ts';
import { verifySaved } from './verify.ts';

const log =
  '[    1.0] one\n[    2.5] sysrq: Trigger a crash\n[    2.6] Kernel panic - not syncing: sysrq triggered crash\n[    2.7] CPU: 0 PID: 1 Comm: sh\n';
/** The checksum of something else. */
const coreSum = 'ab'.repeat(32);

async function setUp(t: Test, tree: Record<string, string>) {
  const root = t.testdir({});
  putTree(root, tree);
  return createRootedSystem(root);
}

function manifestText(files: Record<string, string> = {}, changes = {}): string {
  const rows = Object.entries(files).map(([name, content]) => ({ name, sizeBytes: content.length, sha256: undefined, complete: true }));
  return JSON.stringify(buildManifest({ files: rows, ...changes }));
}

t.test('captures of four systems are listed by their time', async (t) => {
  const system = await setUp(t, {
    'd/worker-2026-03-01-12:34:56/manifest.json': manifestText({ vmcore: 'core' }),
    'd/worker-2026-03-01-12:34:56/vmcore': 'core',
    'd/worker-2026-03-01-12:34:56/vmcore-dmesg.txt': log,
    'd/127.0.0.1-2025-01-01-00:00:00/vmcore': 'core',
    'd/127.0.0.1-2025-01-01-00:00:00/vmcore-dmesg.txt': log,
    'd/127.0.0.1-2025-01-01-00:00:00/kexec-dmesg.log': '',
    'd/2024-05-06-07:08/dmesg.txt': log,
    'd/2024-05-06-07:08/README.txt': '',
    'd/202301020304/dmesg.202301020304': log,
    'd/202301020304/dump-incomplete': 'co',
    'd/other/file': '',
  });
  const found = findSaved(system.files, '/d');
  t.strictSame(
    found.map(({ layout, status, time, vmcore }) => [layout, status, time, vmcore]),
    [
      ['debian', 'interrupted', '2023-01-02 03:04:00', 'dump-incomplete'],
      ['suse', 'dmesg-only', '2024-05-06 07:08:00', undefined],
      ['kdump-utils', 'complete', '2025-01-01 00:00:00', 'vmcore'],
      ['kcapture', 'complete', '2026-03-01 12:34:56', 'vmcore'],
    ],
  );
  t.equal(found[0].panic, 'Kernel panic - not syncing: sysrq triggered crash');
  const text = formatSavedList(found);
  t.match(text, /^2023-01-02 03:04:00 {2}INTERRUPTED +\d+ B +-/);
  t.match(
    text,
    /2026-03-01 12:34:56 {2}complete .*worker .*6\.1\.0-13-amd64 .*\/d\/worker-2026-03-01-12:34:56\n {4}sysrq: Trigger a crash/,
  );
});

t.test('a capture without its manifest was interrupted', async (t) => {
  const system = await setUp(t, {
    'd/w-2026-03-01-12:34:56/kcapture.log': '',
    'd/w-2026-03-01-12:34:56/vmcore': 'x',
    'd/w-2026-03-02-12:34:56/x/y': '',
  });
  t.strictSame(
    findSaved(system.files, '/d').map(({ status }) => status),
    ['interrupted', 'empty'],
  );
});

t.test('a folder that is not there holds no captures', async (t) => {
  const system = await setUp(t, {});
  t.strictSame(findSaved(system.files, '/nowhere'), []);
});

t.test('links are neither captures nor their files', async (t) => {
  const system = await setUp(t, { 'real/manifest.json': manifestText(), secret: 'x'.repeat(50) });
  mkdirSync(join(system.root, 'd/w-2026-03-01-12:34:56'), { recursive: true });
  symlinkSync('/real', join(system.root, 'd/w-2026-03-02-12:34:56'));
  symlinkSync('/secret', join(system.root, 'd/w-2026-03-01-12:34:56/vmcore-dmesg.txt'));
  symlinkSync('/real/manifest.json', join(system.root, 'd/w-2026-03-01-12:34:56/manifest.json'));
  const found = findSaved(system.files, '/d');
  t.equal(found.length, 1);
  t.match(found[0], { status: 'empty', files: [], manifest: undefined });
});

t.test('a manifest that is damaged or huge is a problem of that capture, not of the list', async (t) => {
  const system = await setUp(t, {
    'd/w-2026-03-01-12:34:56/manifest.json': '{"version":',
    'd/w-2026-03-02-12:34:56/manifest.json': manifestText(),
  });
  mkdirSync(join(system.root, 'd/w-2026-03-03-12:34:56'));
  writeFileSync(join(system.root, 'd/w-2026-03-03-12:34:56/manifest.json'), Buffer.alloc(5 * 1024 * 1024, 0x20));
  const found = findSaved(system.files, '/d');
  t.match(found[0].problems, [/no JSON/]);
  t.match(found[2].problems, [/5120 KiB/]);
  t.strictSame(
    found.map(({ status }) => status),
    ['interrupted', 'complete', 'interrupted'],
  );
});

t.test('nothing that is printed can move the cursor of a terminal', async (t) => {
  const evil = '\x1b[2J\x1b]0;owned\x07\n\u202e\u009b1m';
  const manifest = manifestText(
    {},
    {
      host: evil,
      release: evil,
      panic: evil,
      lost: [evil],
      warnings: [evil],
      failedTargets: [{ target: evil, why: evil }],
      target: evil,
      kcapture: { version: evil, commit: evil },
      elapsedMs: { [evil]: 1 },
    },
  );
  const system = await setUp(t, {});
  const folder = join(system.root, `d/${evil.replaceAll('/', '')}-2026-03-01-12:34:56`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), manifest);
  writeFileSync(join(folder, `vmcore${evil}`), '');
  writeFileSync(join(folder, 'vmcore'), '');
  const [found] = findSaved(system.files, '/d');
  const shown = formatSaved(found, {
    debugKernel: findDebugKernel(system.files, found.release ?? ''),
    verdicts: verifySaved(system.files, found),
    logEnd: [evil],
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must be gone
  t.notMatch(formatSavedList([found]) + shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  t.match(shown, /owned/);
});

t.test('verification finds what changed, what is gone and what never had a checksum', async (t) => {
  const files = [
    { name: 'vmcore', sizeBytes: 4, sha256: '', complete: true },
    { name: 'vmcore-dmesg.txt', sizeBytes: log.length, sha256: coreSum, complete: true },
    { name: 'kcapture.log', sizeBytes: 3, sha256: undefined, complete: true },
    { name: 'gone', sizeBytes: 3, sha256: undefined, complete: true },
    { name: 'short', sizeBytes: 9, sha256: undefined, complete: true },
  ];
  const system = await setUp(t, {
    'd/w-2026-03-01-12:34:56/vmcore': 'core',
    'd/w-2026-03-01-12:34:56/vmcore-dmesg.txt': log,
    'd/w-2026-03-01-12:34:56/kcapture.log': 'abc',
    'd/w-2026-03-01-12:34:56/short': 'x',
  });
  files[0].sha256 = system.files.sha256('/d/w-2026-03-01-12:34:56/vmcore');
  putTree(system.root, { 'd/w-2026-03-01-12:34:56/manifest.json': JSON.stringify(buildManifest({ files })) });
  const [found] = findSaved(system.files, '/d');
  t.strictSame(
    verifySaved(system.files, found).map(({ name, result }) => [name, result]),
    [
      ['vmcore', 'same'],
      ['vmcore-dmesg.txt', 'changed'],
      ['kcapture.log', 'unknown'],
      ['gone', 'missing'],
      ['short', 'changed'],
    ],
  );
  t.match(found.problems, [/"gone" is gone/, /"short" has 1 bytes, the manifest says 9/]);
});

t.test('a capture is chosen by path, by name, by part of a name, or as the latest', async (t) => {
  const system = await setUp(t, {
    'd/w-2026-03-01-12:34:56/vmcore': '',
    'd/w-2026-04-01-12:34:56/vmcore': '',
    'e/w-2026-03-15-00:00:00/vmcore': '',
  });
  const folders = ['/d', '/e'];
  t.equal(chooseSaved(system.files, 'latest', folders).name, 'w-2026-04-01-12:34:56');
  t.equal(chooseSaved(system.files, '2026-03-15', folders).folder, '/e/w-2026-03-15-00:00:00');
  t.equal(chooseSaved(system.files, '/d/w-2026-03-01-12:34:56/', []).name, 'w-2026-03-01-12:34:56');
  t.throws(() => chooseSaved(system.files, '2026-0', folders), { code: 'saved/not-found', hint: /kcapture list/ });
  t.throws(() => chooseSaved(system.files, 'no\x1bsuch', folders), { message: /no\\x1bsuch/ });
});

t.test('the kernel for a debugger is found, or the package that has it is named', async (t) => {
  const system = await setUp(t, { 'etc/os-release': 'ID=debian\n', 'usr/lib/debug/boot/vmlinux-6.1.0-13-amd64': '' });
  t.equal(findDebugKernel(system.files, '6.1.0-13-amd64').path, '/usr/lib/debug/boot/vmlinux-6.1.0-13-amd64');
  t.match(findDebugKernel(system.files, '6.1.0-14-amd64').advice, /linux-image-6\.1\.0-14-amd64-dbg/);
  t.strictSame(findDebugKernel(system.files, '../../../etc/passwd'), { path: undefined, advice: undefined });
});
