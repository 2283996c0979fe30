import { mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { openPreadFile } from './pread-file.ts';

/** Byte `offset` of the built file: a pattern that repeats late, so that a wrong position shows. */
const byteAt = (offset: number) => (offset * 31 + Math.floor(offset / 251)) & 0xff;

function buildFile(folder: string, size: number): string {
  const path = join(folder, 'vmcore');
  writeFileSync(
    path,
    Uint8Array.from({ length: size }, (_, offset) => byteAt(offset)),
  );
  return path;
}

t.test('a window shows the same bytes as read(), wherever it is moved', (t) => {
  const size = 300_001;
  const file = openPreadFile(buildFile(t.testdir(), size));
  t.equal(file.sizeBytes, size);
  const window = file.openWindow(70_000);
  const { bytes } = window;
  let seed = 1;
  for (let round = 0; round < 3000; round++) {
    seed = (seed * 48271) % 2147483647;
    const length = 1 + (seed % 5000);
    const offset = round % 3 === 0 ? seed % (size - length) : Math.min(round * 97, size - length);
    const at = window.locate(offset, length);
    for (const step of [0, length >> 1, length - 1]) if (bytes[at + step] !== byteAt(offset + step)) t.fail(`${length} bytes at ${offset}`);
  }
  const target = new Uint8Array(1000);
  file.read(size - 1000, target);
  t.equal(target[999], byteAt(size - 1));
  t.equal(window.bytes, bytes, 'the array stays the same');
  window.close();
  file.close();
  file.close();
  t.end();
});

t.test('indexes stay right while a window reads on', (t) => {
  const file = openPreadFile(buildFile(t.testdir(), 300_000));
  const window = file.openWindow(200_000);
  const first = window.locate(1000, 10);
  window.locate(1010, 60_000);
  window.locate(66_000, 60_000);
  t.equal(window.bytes[first], byteAt(1000));
  file.close();
  t.end();
});

t.test('what ends beyond the file is refused', (t) => {
  const file = openPreadFile(buildFile(t.testdir(), 5000));
  const window = file.openWindow(4096);
  t.throws(() => file.read(4999, new Uint8Array(2)), { code: 'vmcore/short-read' });
  t.throws(() => file.read(-1, new Uint8Array(2)), { code: 'vmcore/short-read' });
  t.throws(() => file.read(Number.NaN, new Uint8Array(2)), { code: 'vmcore/short-read' });
  t.throws(() => window.locate(2 ** 60, 1), { code: 'vmcore/short-read' });
  t.throws(() => window.locate(4000, 1001), { code: 'vmcore/short-read' });
  t.throws(() => window.locate(0, 4097), { code: 'vmcore/io' });
  t.equal(window.bytes[window.locate(4999, 1)], byteAt(4999));
  file.close();
  t.end();
});

t.test('a file that shrinks after it was opened is a short read', (t) => {
  const path = buildFile(t.testdir(), 100_000);
  const file = openPreadFile(path);
  const window = file.openWindow(4096);
  writeFileSync(path, 'short');
  t.throws(() => file.read(50_000, new Uint8Array(10)), { code: 'vmcore/short-read' });
  t.throws(() => window.locate(50_000, 10), { code: 'vmcore/short-read' });
  file.close();
  t.end();
});

t.test('positions beyond 4 GiB are read', (t) => {
  const path = join(t.testdir(), 'large');
  const fd = openSync(path, 'w');
  writeSync(fd, 'here', 5 * 1024 ** 3);
  const file = openPreadFile(path);
  const target = new Uint8Array(4);
  file.read(5 * 1024 ** 3, target);
  t.equal(Buffer.from(target).toString(), 'here');
  file.close();
  t.end();
});

t.test('what cannot be a vmcore is refused with its kind', (t) => {
  const folder = t.testdir({ empty: '' });
  mkdirSync(join(folder, 'folder'));
  spawnSync('mkfifo', [join(folder, 'pipe')]);
  for (const [name, message] of [
    ['missing', /there is no such file/],
    ['folder', /it is a directory/],
    ['empty', /it is empty/],
    ['pipe', /it is a pipe/],
    ['empty/below', /a part of the path is not a directory/],
  ] as const) {
    t.throws(() => openPreadFile(join(folder, name)), { code: 'vmcore/open', message });
  }
  t.throws(() => openPreadFile('/dev/null'), { code: 'vmcore/open', message: /a character device/ });
  t.end();
});
