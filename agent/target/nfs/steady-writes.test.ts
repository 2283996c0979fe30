import t from 'tap';
import { SinkError } from '../../sink/sink.ts';
import type { System } from '../../sys/system.ts';
import { withSteadyWrites } from './steady-writes.ts';

t.test('what was written is synced on the way, not only at the end', async (t) => {
  const calls: string[] = [];
  const sink = {
    name: '/target/vmcore',
    seekable: true,
    write: (offset: number, bytes: Uint8Array) => void calls.push(`${offset}+${bytes.length}`),
    sync: () => void calls.push('sync'),
    close: () => void calls.push('close'),
  };
  const steady = withSteadyWrites({ createFile: () => sink } as unknown as System).createFile('/target/vmcore');
  t.match(steady, { name: '/target/vmcore', seekable: true });
  const piece = new Uint8Array(3 * 2 ** 20);
  for (const index of [0, 1, 2, 3]) steady.write(index * piece.length, piece);
  steady.sync();
  steady.close();
  const size = piece.length;
  t.same(calls, [`0+${size}`, `${size}+${size}`, `${2 * size}+${size}`, 'sync', `${3 * size}+${size}`, 'sync', 'close']);
});

t.test('an error of the server shows at the sync after it', async (t) => {
  const sink = {
    name: '/target/vmcore',
    seekable: true,
    write() {},
    sync() {
      throw new Error('the server is gone');
    },
    close() {},
  };
  const steady = withSteadyWrites({ createFile: () => sink } as unknown as System).createFile('/target/vmcore');
  steady.write(0, new Uint8Array(2 ** 20));
  t.throws(() => steady.write(2 ** 20, new Uint8Array(8 * 2 ** 20)), { message: 'the server is gone' });
});

t.test('what was broken off says so', async (t) => {
  const broken = Object.assign(new Error('unknown error, fsync'), { code: 'EUNKNOWN', errno: -512 });
  const sink = {
    name: '/target/vmcore',
    seekable: true,
    write() {},
    sync() {
      throw new SinkError('sink/io', 'Cannot write: unknown error', { cause: broken });
    },
    close() {},
  };
  const steady = withSteadyWrites({ createFile: () => sink } as unknown as System).createFile('/target/vmcore');
  t.throws(() => steady.sync(), { code: 'sink/io', message: /did not answer and was given up/ });
});
