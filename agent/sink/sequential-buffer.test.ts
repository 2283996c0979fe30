import t from 'tap';
import { MemorySink } from '../testing/memory-sink.ts';
import { CountingSink } from './counting-sink.ts';
import { SequentialBuffer } from './sequential-buffer.ts';

t.test('bytes arrive as they were appended, for every piece size and start', (t) => {
  const source = Uint8Array.from({ length: 100 }, (_, index) => index + 1);
  for (const [start, queuedBytes] of [0, 1, 15, 16, 17].flatMap((start) => [[start, 0] as const, [start, 16] as const])) {
    for (let pieceBytes = 1; pieceBytes <= 40; pieceBytes++) {
      const sink = new MemorySink({ queuedBytes });
      const buffer = new SequentialBuffer(sink, start, 16);
      for (let at = 0; at < 100; at += pieceBytes) buffer.append(source, at, Math.min(pieceBytes, 100 - at));
      buffer.appendZeros(20);
      buffer.flush();
      const expected = Buffer.concat([new Uint8Array(start), source, new Uint8Array(20)]);
      if (!expected.equals(sink.bytes)) t.fail(`start ${start}, pieces of ${pieceBytes}, queue of ${queuedBytes}`);
      if (sink.writes.slice(0, -1).some(({ offset, length }) => (offset + length) % 16 !== 0))
        t.fail(`writes from ${start} are not aligned`);
    }
  }
  t.pass('all sizes');
  t.end();
});

t.test('it tells what is written and what is buffered', (t) => {
  const buffer = new SequentialBuffer(new MemorySink(), 10, 16);
  buffer.append(new Uint8Array(8));
  t.same([buffer.writtenUpTo, buffer.position], [16, 18]);
  buffer.flush();
  t.same([buffer.writtenUpTo, buffer.position], [18, 18]);
  buffer.seek(100);
  buffer.append(new Uint8Array(1));
  t.same([buffer.writtenUpTo, buffer.position], [100, 101]);
  t.end();
});

t.test('a failed write keeps the bytes', (t) => {
  const sink = new MemorySink({ spaceBytes: 16 });
  const buffer = new SequentialBuffer(sink, 0, 16);
  t.throws(() => buffer.append(new Uint8Array(40)), { code: 'sink/no-space' });
  t.same([buffer.writtenUpTo, buffer.position], [16, 32]);
  t.throws(() => buffer.flush(), { code: 'sink/no-space' });
  t.end();
});

t.test('what a queue has not taken is not written', (t) => {
  const sink = new MemorySink({ spaceBytes: 40, queuedBytes: 16 });
  const buffer = new SequentialBuffer(sink, 0);
  buffer.append(new Uint8Array(33).fill(1));
  t.same([buffer.writtenUpTo, buffer.handedUpTo, buffer.position], [16, 32, 33]);
  buffer.settle();
  t.same([buffer.writtenUpTo, buffer.handedUpTo, buffer.position], [32, 32, 33]);
  buffer.append(new Uint8Array(16).fill(2));
  t.same([buffer.writtenUpTo, buffer.handedUpTo, buffer.position], [32, 48, 49]);
  for (let attempt = 0; attempt < 2; attempt++) t.throws(() => buffer.flush(), { code: 'sink/no-space' });
  t.same([buffer.writtenUpTo, sink.bytes.length], [32, 32]);
  t.end();
});

t.test('the counting sink counts bytes and the length of the file', (t) => {
  const sink = new CountingSink();
  sink.write(100, new Uint8Array(5));
  sink.write(0, new Uint8Array(7));
  t.same([sink.writtenBytes, sink.sizeBytes], [12, 105]);
  t.end();
});
