/** Native codecs and mapped windows, run under Bun in a process of their own and checked here by libraries that are not theirs. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import t from 'tap';
import { loadNodeZstd } from '../testing/node-zstd-codec.ts';

const pageSize = 4096;
const bun = 'node_modules/.bin/bun';
if (!existsSync('agent/sys/native/libzstd.so')) spawnSync(bun, ['build.ts', '--no-check', '--libraries']);

function drive(...words: string[]): Buffer {
  const result = spawnSync(bun, ['agent/testing/native-driver.ts', ...words], { maxBuffer: 2 ** 28 });
  if (result.status !== 0) throw new Error(`native-driver ${words.join(' ')}: ${result.status ?? result.signal}\n${result.stderr}`);
  return result.stdout;
}

/** Pages as a kernel has them: text, numbers that differ little, one byte repeated, and noise that nothing makes smaller. */
function buildPages(): Buffer {
  const pages: Buffer[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const page = Buffer.alloc(pageSize);
    for (let at = 0; at < pageSize; at += 8) page.writeUInt32LE((0x81000000 + seed * 977 + (at >> (seed % 7)) * 64) >>> 0, at);
    if (seed % 4 === 1) page.fill(seed);
    if (seed % 4 === 2) page.fill(`slab object ${seed} of dentry cache, `);
    if (seed % 8 === 3) for (let at = 0; at < pageSize; at += 32) createHash('sha256').update(`${seed} ${at}`).digest().copy(page, at);
    pages.push(page);
  }
  return Buffer.concat(pages);
}

function splitBlocks(blocks: Buffer): Buffer[] {
  const list: Buffer[] = [];
  for (let at = 0; at < blocks.length; at += 4 + blocks.readUInt32LE(at))
    list.push(blocks.subarray(at + 4, at + 4 + blocks.readUInt32LE(at)));
  return list;
}

function joinBlocks(list: readonly Uint8Array[]): Buffer {
  return Buffer.concat(list.flatMap((block) => [Buffer.from(new Uint32Array([block.length]).buffer), block]));
}

const pages = buildPages();
const pageAt = (index: number) => pages.subarray(index * pageSize, (index + 1) * pageSize);
const noisePages = 5;

t.test('zstd frames are read by an independent decoder, and its frames by ours', async (t) => {
  const folder = t.testdir({ pages });
  const independent = (await loadNodeZstd())();
  const back = new Uint8Array(pageSize);
  for (const level of [-5, -1, 1, 3, 19]) {
    const blocks = splitBlocks(drive('compress', 'zstd', String(level), join(folder, 'pages')));
    t.equal(blocks.filter((block) => block.length === 0).length, noisePages, `level ${level}: only noise is not made smaller`);
    for (const [index, block] of blocks.entries()) {
      if (block.length === 0) continue;
      independent.decompress(block, 0, block.length, back, 0, pageSize);
      if (!pageAt(index).equals(back)) t.fail(`page ${index} at level ${level}`);
    }
  }
  const target = new Uint8Array(pageSize);
  const foreign = Array.from({ length: pages.length / pageSize }, (_, index) =>
    target.slice(0, independent.compress(pageAt(index), 0, pageSize, target, 0)),
  );
  writeFileSync(join(folder, 'blocks'), joinBlocks(foreign));
  t.same(JSON.parse(drive('expand', 'zstd', join(folder, 'blocks'), join(folder, 'pages')).toString()), {
    expanded: pages.length / pageSize - noisePages,
    wrong: 0,
  });
});

t.test('zlib streams are read by another zlib, and its streams by ours', (t) => {
  const folder = t.testdir({ pages });
  const blocks = splitBlocks(drive('compress', 'zlib', '1', join(folder, 'pages')));
  for (const [index, block] of blocks.entries()) {
    if (block.length > 0 && !inflateSync(block).equals(pageAt(index))) t.fail(`page ${index}`);
  }
  const foreign = blocks.map((_, index) => deflateSync(pageAt(index), { level: 9 }));
  writeFileSync(join(folder, 'blocks'), joinBlocks(foreign));
  t.same(JSON.parse(drive('expand', 'zlib', join(folder, 'blocks'), join(folder, 'pages')).toString()), {
    expanded: foreign.length,
    wrong: 0,
  });
  t.end();
});

t.test('snappy and LZO blocks come back as they went in', (t) => {
  const folder = t.testdir({ pages });
  for (const codec of ['snappy', 'lzo']) {
    const blocks = drive('compress', codec, '0', join(folder, 'pages'));
    writeFileSync(join(folder, codec), blocks);
    t.equal(splitBlocks(blocks).filter((block) => block.length === 0).length, noisePages, codec);
    const seen = JSON.parse(drive('expand', codec, join(folder, codec), join(folder, 'pages')).toString());
    t.same(seen, { expanded: pages.length / pageSize - noisePages, wrong: 0 }, codec);
  }
  t.end();
});

t.test('a block cut anywhere is refused; a flipped byte is refused or gives other bytes; nothing is written outside', (t) => {
  const folder = t.testdir({ pages });
  for (const codec of ['zstd', 'zlib', 'snappy', 'lzo']) {
    const { cuts, all } = JSON.parse(drive('damage', codec, join(folder, 'pages')).toString());
    t.equal(cuts.refused, cuts.length - 1, `${codec}: every cut`);
    t.equal(all.otherErrors, 0, `${codec}: no other error`);
    t.equal(all.beyond, 0, `${codec}: guard bytes`);
    t.equal(all.refused + all.same + all.different, cuts.length - 1 + 3 * cuts.length + 3, `${codec}: every attempt ended`);
  }
  t.end();
});

t.test('a mapped window shows what a read window shows', (t) => {
  const folder = t.testdir({ file: Buffer.concat([pages, pages, pages, Buffer.from('an odd end')]) });
  t.same(JSON.parse(drive('windows', join(folder, 'file')).toString()), {
    wrong: 0,
    errors: ['vmcore/short-read', 'vmcore/short-read', 'vmcore/io'],
    refused: 'vmcore/io',
    afterClose: false,
  });
  t.end();
});

t.test('what goes through a queue is in the file, whatever its alignment', (t) => {
  const folder = t.testdir();
  for (const [start, length] of [
    [8192, 5 * 1024 * 1024],
    [4096 * 300 + 100, 3 * 1024 * 1024 + 77],
    [1, 1000],
  ]) {
    const path = join(folder, `from-${start}`);
    drive('queue', path, `${start}`, `${length}`);
    const expected = Buffer.alloc(start + length);
    for (let at = start - 1; at < expected.length; at++) expected[at] = at % 251;
    t.ok(readFileSync(path).equals(expected), `${length} bytes from ${start}`);
  }
  t.end();
});
