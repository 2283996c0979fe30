import t from 'tap';
import { MemorySink } from '../testing/memory-sink.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { withBounds } from './bounded-sink.ts';

const MiB = 1024 * 1024;

async function open(free: () => number, minFreeBytes: number) {
  const memory = new MemorySink();
  const base = { ...(await createNodeSystem()), createFile: () => memory };
  return { memory, sink: withBounds(base, { minFreeBytes, freeBytes: free, onWrite() {} }).createFile('x') };
}

t.test('what has to stay free stays free, to the byte', async (t) => {
  const { memory, sink } = await open(() => 10 * MiB - memory.bytes.length, 4 * MiB);
  for (let offset = 0; offset < 6 * MiB; offset += MiB) sink.write(offset, new Uint8Array(MiB));
  t.throws(() => sink.write(6 * MiB, new Uint8Array(1)), { code: 'sink/no-space', message: /4\.00 MiB have to stay free/ });
});

t.test('what is written over takes no room', async (t) => {
  const { memory, sink } = await open(() => 2 * MiB - memory.bytes.length, MiB);
  sink.write(0, new Uint8Array(MiB));
  sink.write(0, new Uint8Array(4096));
  t.throws(() => sink.write(MiB - 10, new Uint8Array(11)), { code: 'sink/no-space' });
});

t.test('with nothing to stay free nobody is asked', async (t) => {
  const { sink } = await open(() => t.fail('asked') as never, 0);
  sink.write(0, new Uint8Array(MiB));
});
