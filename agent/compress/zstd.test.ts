import t from 'tap';
import { loadNodeZstd } from '../testing/node-zstd-codec.ts';
import { zstdContentSize } from './zstd.ts';

t.test('zstdContentSize() reads every width of the size field', (t) => {
  const frame = (descriptor: number, ...rest: number[]) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest]);
  const size = (bytes: Uint8Array) => zstdContentSize(bytes, 0, bytes.length);
  t.equal(size(frame(0x20, 200)), 200);
  t.equal(size(frame(0x60, 0x00, 0x0f)), 4096);
  t.equal(size(frame(0xa0, 1, 2, 3, 4)), 0x04030201);
  t.equal(size(frame(0xe0, 1, 0, 0, 0, 1, 0, 0, 0)), 2 ** 32 + 1);
  t.equal(size(frame(0x42, 0x58, 9, 9, 0x00, 0x0f)), 4096, 'window byte and dictionary number are skipped');
  t.equal(size(frame(0x00, 0x58)), undefined, 'no size field');
  t.equal(size(frame(0x60, 0x00)), undefined, 'cut inside the field');
  t.equal(size(Uint8Array.from([0x28, 0xb5, 0x2f])), undefined, 'cut inside the magic number');
  t.equal(size(frame(0x20, 1).fill(0, 1, 2)), undefined, 'another magic number');
  t.end();
});

t.test('a frame of the independent library announces the page, and expands nowhere when it is cut or damaged', async (t) => {
  const codec = (await loadNodeZstd())();
  const page = Uint8Array.from({ length: 4096 }, (_, index) => (index * index) >> 12);
  const block = new Uint8Array(4096);
  const length = codec.compress(page, 0, 4096, block, 0);
  t.equal(zstdContentSize(block, 0, length), 4096);
  const back = new Uint8Array(4096);
  codec.decompress(block, 0, length, back, 0, 4096);
  t.same(back, page);
  for (const cut of [1, 4, 5, 6, 7, 10, length - 1]) {
    t.throws(() => codec.decompress(block, 0, cut, back, 0, 4096), { code: 'compress/corrupt' });
  }
  t.throws(() => codec.decompress(block, 0, length, new Uint8Array(8192), 0, 8192), { code: 'compress/corrupt' });
  t.throws(() => codec.decompress(block, 0, length, back, 0, 4097), { code: 'compress/failed' });
});
