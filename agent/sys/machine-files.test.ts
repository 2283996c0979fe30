/** Files of the machine: one scenario with its answers on Node, and the same answers from Bun. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { outcomeOf, runFileScenario } from '../testing/file-scenario.ts';
import { createFiles } from './machine-files.ts';

const expected = {
  text: 'second\n',
  'text, first bytes': 'sec',
  'text of nothing': null,
  'text of a folder': null,
  mode: 0o600,
  'nothing left beside': ['one'],
  bytes: [0, 255, 7],
  'bytes of nothing': 'files/missing: Cannot read "/etc/none": there is no such file or folder',
  'write below nothing': 'files/missing: Cannot write "/none/one": there is no such file or folder',
  'write over a folder': 'files/exists: Cannot replace "/etc": it is a folder, expected a file',
  'read at': [255, 7],
  'read at the end': 0,
  'read at less than nothing': 'files/io: Cannot read 10 bytes of "/etc/bytes" at -1',
  'read too much': 'files/io: Cannot read 1099511627776 bytes of "/etc/bytes" at 0',
  'nothing of the old is left': 'x',
  'write existing nothing': 'files/missing: Cannot write "/etc/none": there is no such file or folder',
  'it was not made': null,
  appended: ['ab', 0o600],
  copied: ['ab', 0o600],
  'mode of the copy': 0o755,
  'copy nothing': 'files/missing: Cannot read "/etc/none": there is no such file or folder',
  'mode that was set': 0o640,
  'modes of folders': [0o755, 0o755, 0o700],
  'make it again': null,
  'make one over a file': 'files/exists: Cannot make the folder "/etc/one": it exists already',
  list: ['bytes', 'copy', 'log', 'one'],
  'list nothing': [],
  'list a file': [],
  'link over a file': 'files/exists: Cannot replace "/etc/log": it is something else, expected a link',
  'where it points': '../etc/log',
  'what it leads to': 'ab',
  'a file is no link': null,
  'nothing is no link': null,
  kinds: ['link', 'file', 'folder'],
  'real path': '/etc/log',
  'real path of nothing': null,
  'what it led to': 'ab',
  'stays inside': null,
  'out by name': null,
  'real path of the way out': '/etc/one',
  'read the circle': 'files/io: Cannot follow "/var/circle": too many symbolic links',
  'remove nothing': null,
  'remove a full folder': 'files/exists: Cannot remove "/etc": it is not empty',
  'the tree is gone, what a link led to is not': [null, true],
  'remove no tree': null,
  'remove everything': 'files/io: Cannot remove "/": it is the root of all files',
  'remove a link': [null, true],
  'work folders': '/run/kcapture-…',
  sync: [null, null],
  'sync nothing': 'files/missing: Cannot sync "/none": there is no such file or folder',
  space: true,
  'SHA-256': [createHash('sha256').update(new Uint8Array(9437184).fill(7)).digest('hex'), [4194304, 8388608, 9437184]],
  'SHA-256 of nothing': 'files/missing: Cannot read "/none": there is no such file or folder',
  'a relative path': 'files/io: Cannot use the path "etc/one": expected an absolute one',
  'a path with a NUL': 'files/io: Cannot use the path "/etc/\\u0000": expected an absolute one',
};

t.test('the scenario on Node', (t) => {
  const outcomes = JSON.parse(JSON.stringify(runFileScenario(createFiles({ root: t.testdir({ etc: {} }) }))));
  t.match(outcomes, expected);
  const quiet = Object.entries(outcomes).filter(([name]) => !(name in expected));
  t.same(
    quiet,
    quiet.map(([name]) => [name, null]),
    'every other step succeeds and says nothing',
  );
  t.end();
});

t.test('the scenario on Bun', (t) => {
  const folder = t.testdir({ node: { etc: {} }, bun: { etc: {} } });
  const node = JSON.parse(JSON.stringify(runFileScenario(createFiles({ root: join(folder, 'node') }))));
  const run = spawnSync('node_modules/.bin/bun', ['agent/testing/machine-driver.ts', 'files', join(folder, 'bun')], { encoding: 'utf8' });
  t.equal(run.status, 0, run.stderr);
  t.same(JSON.parse(run.stdout), node);
  t.end();
});

t.test('files of the kernel', (t) => {
  const files = createFiles();
  t.equal(files.readTextIfThere('/proc/self/stat')?.split(' ')[0], String(process.pid), 'no size');
  t.ok(files.readBytes('/proc/self/maps').length > 4096, 'longer than a page');
  t.equal(files.readTextIfThere('/proc/self/mem'), undefined, 'an address that cannot be read');
  t.equal(files.status('/dev/null')?.kind, 'character');
  t.equal(files.status('/dev/null')?.ownDevice, '1:3');
  t.match(files.status('/')?.device, /^\d+:\d+$/);
  t.equal(files.realPath('/proc/self/exe'), files.realPath(process.execPath), 'a link only the kernel can follow');
  t.match(
    outcomeOf(() => files.write('/dev/null', '')),
    /^files\/exists: Cannot replace "\/dev\/null": it is a special file/,
  );
  t.equal(files.status('/dev/null')?.kind, 'character', 'the device is still there');
  files.writeExisting('/dev/null', 'x');
  t.match(
    outcomeOf(() => files.readBytes('/proc/self/fd/none')),
    /^files\/missing/,
  );
  t.end();
});

t.test('a failed write leaves what was there, and nothing beside it', (t) => {
  const folder = t.testdir({ file: 'old' });
  const files = createFiles();
  // This source opens, and its first byte cannot be read.
  t.match(
    outcomeOf(() => files.copy('/proc/self/mem', join(folder, 'file'))),
    /^files\/io: Cannot write a copy of/,
  );
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'old');
  t.same(readdirSync(folder), ['file']);
  t.match(
    outcomeOf(() => files.append('/dev/full', 'x')),
    'files/no-space: Cannot write "/dev/full": no space is left',
  );
  t.match(
    outcomeOf(() => files.writeExisting('/dev/full', 'x')),
    /^files\/no-space/,
  );
  t.end();
});

t.test('a folder made under a narrow umask has the mode asked for', (t) => {
  const folder = t.testdir();
  const before = process.umask(0o077);
  const files = createFiles();
  files.makeFolder(join(folder, 'a/b'));
  files.write(join(folder, 'a/file'), '');
  process.umask(before);
  t.same(
    ['a', 'a/b', 'a/file'].map((name) => statSync(join(folder, name)).mode & 0o777),
    [0o755, 0o755, 0o644],
  );
  t.end();
});

t.test('a tree with a link out of it, a name that is no text, and depth', (t) => {
  const folder = t.testdir({ outside: { kept: '' }, tree: { inner: {} } });
  const tree = join(folder, 'tree');
  symlinkSync(join(folder, 'outside'), join(tree, 'inner/link'));
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/inner/`), Buffer.from([0x61, 0xff])]), '');
  const files = createFiles();
  files.makeFolder(join(tree, 'd/'.repeat(200)));
  files.removeTree(tree);
  t.notOk(existsSync(tree));
  t.same(readdirSync(join(folder, 'outside')), ['kept']);
  files.makeFolder(join(tree, 'd/'.repeat(300)));
  t.match(
    outcomeOf(() => files.removeTree(tree)),
    /^files\/io: Cannot remove ".*": more than 256 folders deep$/,
  );
  t.end();
});

t.test('a pipe blocks nobody', (t) => {
  const folder = t.testdir();
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const files = createFiles();
  t.equal(files.readTextIfThere(pipe), '');
  t.match(
    outcomeOf(() => files.writeExisting(pipe, 'x')),
    /^files\/io: Cannot write ".*": it is a pipe$/,
  );
  t.end();
});
