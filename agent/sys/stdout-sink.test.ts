import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createStreamSink } from './stdout-sink.ts';

function openPipe(folder: string): { readFd: number; writeFd: number } {
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { readFd, writeFd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) };
}

t.test('a full pipe is waited for, and every byte arrives once and in order', (t) => {
  const { readFd, writeFd } = openPipe(t.testdir());
  const received: Buffer[] = [];
  const buffer = Buffer.alloc(10_000);
  const drain = () => received.push(Buffer.from(buffer.subarray(0, readSync(readFd, buffer))));
  let waits = 0;
  const sink = createStreamSink(writeFd, 'the pipe', () => {
    waits++;
    drain();
  });
  t.notOk(sink.seekable);
  const bytes = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff));
  sink.write(0, bytes.subarray(0, 200_000));
  sink.write(200_000, bytes.subarray(200_000));
  closeSync(writeFd);
  let got = -1;
  while (got !== 0) got = drain() && received[received.length - 1].length;
  t.ok(waits > 0, 'the pipe was full');
  t.ok(Buffer.concat(received).equals(bytes));
  closeSync(readFd);
  t.end();
});

t.test('a reader that has gone is a clear error', (t) => {
  const { readFd, writeFd } = openPipe(t.testdir());
  const sink = createStreamSink(writeFd, 'the pipe', () => {});
  sink.write(0, Buffer.from('x'));
  closeSync(readFd);
  t.throws(() => sink.write(1, Buffer.from('y')), { code: 'sink/io', message: 'Cannot write the pipe: the reader has gone' });
  closeSync(writeFd);
  t.end();
});

t.test('a write that is not at the end is refused', (t) => {
  const { readFd, writeFd } = openPipe(t.testdir());
  const sink = createStreamSink(writeFd, 'the pipe', () => {});
  sink.write(0, Buffer.from('abc'));
  t.throws(() => sink.write(2, Buffer.from('d')), { code: 'sink/io', message: /cannot seek/ });
  sink.close();
  t.throws(() => sink.write(3, Buffer.from('d')), { code: 'sink/io', message: /closed/ });
  closeSync(readFd);
  closeSync(writeFd);
  t.end();
});
