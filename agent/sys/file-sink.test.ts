import { spawnSync } from 'node:child_process';
import { chmodSync, fstatSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createFileSink, type FileNatives } from './file-sink.ts';

t.test('a new file is its owner’s alone, and gaps read as zeros', (t) => {
  const path = join(t.testdir(), 'dump');
  const sink = createFileSink(path);
  t.ok(sink.seekable);
  sink.write(10, Buffer.from('later'));
  sink.write(0, Buffer.from('first'));
  sink.sync();
  sink.close();
  sink.close();
  t.equal(readFileSync(path, 'latin1'), 'first\0\0\0\0\0later');
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.throws(() => sink.write(0, Buffer.from('x')), { code: 'sink/io', message: /closed/ });
  t.end();
});

t.test('an existing file is kept unless it may be overwritten', (t) => {
  const path = join(t.testdir({ dump: 'a long old dump' }), 'dump');
  chmodSync(path, 0o644);
  t.throws(() => createFileSink(path), { code: 'sink/exists' });
  t.equal(readFileSync(path, 'latin1'), 'a long old dump');
  const sink = createFileSink(path, { overwrite: true });
  sink.write(0, Buffer.from('new'));
  sink.close();
  t.equal(readFileSync(path, 'latin1'), 'new');
  t.equal(statSync(path).mode & 0o777, 0o600, 'and others can no longer read it');
  t.end();
});

t.test('a device that is missing never becomes a file', (t) => {
  const folder = t.testdir();
  symlinkSync('/dev', join(folder, 'device-folder'));
  symlinkSync('/dev/kcapture-none', join(folder, 'device-link'));
  for (const path of ['/dev/kcapture-none', join(folder, 'device-folder/kcapture-none'), join(folder, 'device-link')]) {
    t.throws(() => createFileSink(path), { code: 'sink/open' });
    t.throws(() => createFileSink(path, { overwrite: true }), { code: 'sink/open' });
  }
  t.throws(() => statSync('/dev/kcapture-none'), { code: 'ENOENT' });
  t.end();
});

t.test('what cannot hold a dump is refused with the reason', (t) => {
  const folder = t.testdir({ file: 'x' });
  mkdirSync(join(folder, 'folder'));
  const overwrite = { overwrite: true };
  t.throws(() => createFileSink(join(folder, 'folder'), overwrite), { code: 'sink/open', message: /it is a directory/ });
  t.throws(() => createFileSink(join(folder, 'none/dump'), overwrite), { code: 'sink/open', message: /no such folder/ });
  t.throws(() => createFileSink(join(folder, 'file/dump'), overwrite), { code: 'sink/open', message: /not a directory/ });
  t.throws(() => createFileSink('/dev/null', overwrite), { code: 'sink/open', message: /special file/ });
  t.end();
});

t.test('a file the file system cannot hold is a lack of space', (t) => {
  const sink = createFileSink(join(t.testdir(), 'dump'));
  t.throws(() => sink.write(2 ** 50, Buffer.from('x')), { code: 'sink/no-space', message: /takes no larger file/ });
  sink.close();
  t.end();
});

t.test('a full file system keeps what was written before', (t) => {
  const folder = t.testdir();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'kcapture-test', folder]);
  if (mounted.status !== 0) {
    t.comment('mounting is not permitted here');
    t.end();
    return;
  }
  try {
    const path = join(folder, 'dump');
    const sink = createFileSink(path);
    sink.write(0, Buffer.alloc(40_000, 'a'));
    t.throws(() => sink.write(40_000, Buffer.alloc(100_000, 'b')), { code: 'sink/no-space', message: /no space is left/ });
    sink.sync();
    sink.close();
    t.equal(readFileSync(path, 'latin1').slice(0, 40_000), 'a'.repeat(40_000));
  } finally {
    spawnSync('umount', [folder]);
  }
  t.end();
});

t.test('writing to the disk begins for every few MiB, however small the pieces', (t) => {
  const path = join(t.testdir(), 'dump');
  const sizes: number[] = [];
  const sink = createFileSink(path, {}, { beginWriting: (fd) => void sizes.push(fstatSync(fd).size) });
  const piece = Buffer.alloc(96 * 1024, 'x');
  const pieces = 100;
  for (let index = 0; index < pieces; index++) sink.write(index * piece.length, piece);
  sink.close();
  t.ok(sizes.length >= 2, `begun ${sizes.length} times`);
  const steps = sizes.map((size, index) => size - (sizes[index - 1] ?? 0));
  t.ok(
    steps.every((step) => step === steps[0] && step < 5 * 2 ** 20),
    'at even distances, with all of it in the file',
  );
  t.ok(pieces * piece.length - sizes[sizes.length - 1] < steps[0], 'up to the end');
  t.end();
});

t.test('the queue writes plainly what it cannot write otherwise, and there is none where plain writes are asked for', (t) => {
  const path = join(t.testdir(), 'dump');
  let isClosed = false;
  const openQueue: FileNatives['openQueue'] = (_fd, plainWrite) => ({
    pieces: [new Uint8Array(4), new Uint8Array(4)],
    begin: plainWrite,
    settle() {},
    close: () => (isClosed = true),
  });
  const sink = createFileSink(path, {}, { openQueue });
  sink.openQueue?.()?.begin(2, Uint8Array.of(7, 8));
  t.equal(sink.openQueue?.(), sink.openQueue?.());
  sink.close();
  t.ok(isClosed);
  t.same([...readFileSync(path)], [0, 0, 7, 8]);
  const plain = createFileSink(path, { overwrite: true, plainWrites: true }, { openQueue });
  t.equal(plain.openQueue?.(), undefined);
  plain.close();
  t.end();
});
