import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createCpioWriter, type CpioEntry, fileTypes } from './cpio.ts';

const entries: readonly CpioEntry[] = [
  { path: '/dev', mode: fileTypes.folder | 0o755 },
  { path: '/dev/console', mode: fileTypes.character | 0o600, device: { major: 5, minor: 1 } },
  { path: '/init', mode: fileTypes.file | 0o755, content: new TextEncoder().encode('#!/bin/sh\n') },
  { path: '/empty', mode: fileTypes.file | 0o600, content: new Uint8Array(0) },
  { path: '/sh', mode: fileTypes.link | 0o777, content: new TextEncoder().encode('/bin/busybox') },
  { path: '/five', mode: fileTypes.file | 0o644, content: new Uint8Array([1, 2, 3, 4, 5]) },
];

function pack(list: readonly CpioEntry[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = createCpioWriter((bytes) => pieces.push(bytes));
  for (const entry of list) writer.add(entry);
  const sizeBytes = writer.finish();
  const all = Buffer.concat(pieces);
  t.equal(all.length, sizeBytes);
  return all;
}

t.test('cpio reads back what was written', (t) => {
  const path = join(t.testdir(), 'image.cpio');
  writeFileSync(path, pack(entries));
  const listing = execFileSync('cpio', ['--quiet', '-itv', '--numeric-uid-gid', '-F', path], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  })
    .trim()
    .split('\n');
  t.same(
    listing.map((line) => [line.slice(0, 10), line.split(/\s+/).slice(1, 4).join(' '), line.split(/ 1970 /)[1]]),
    [
      ['drwxr-xr-x', '2 0 0', 'dev'],
      ['crw-------', '1 0 0', 'dev/console'],
      ['-rwxr-xr-x', '1 0 0', 'init'],
      ['-rw-------', '1 0 0', 'empty'],
      ['lrwxrwxrwx', '1 0 0', 'sh -> /bin/busybox'],
      ['-rw-r--r--', '1 0 0', 'five'],
    ],
  );
  t.equal(execFileSync('cpio', ['--quiet', '-i', '--to-stdout', '-F', path, 'init'], { encoding: 'utf8' }), '#!/bin/sh\n');
  t.end();
});

t.test('the same entries give the same bytes, in pieces of four', (t) => {
  t.same(pack(entries), pack(entries));
  for (let length = 0; length < 9; length++) {
    t.equal(pack([{ path: `/${'x'.repeat(length + 1)}`, mode: fileTypes.file, content: new Uint8Array(length) }]).length % 4, 0);
  }
  t.end();
});

t.test('paths that lead out of the image are refused', (t) => {
  for (const path of ['relative', '/', '/a/../../etc', '/a\0b', `/${'x'.repeat(5000)}`]) {
    t.throws(() => pack([{ path, mode: fileTypes.file }]), { code: 'image/bad-entry' }, JSON.stringify(path).slice(0, 40));
  }
  t.end();
});
