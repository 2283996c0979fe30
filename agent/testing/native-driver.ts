/**
 * Runs under Bun what tests on Node cannot: native codecs and mapped windows. Prints one JSON object, or blocks.
 *
 *     bun native-driver.ts compress CODEC LEVEL PAGES     blocks, each after its length (u32, little-endian); 0 = not smaller
 *     bun native-driver.ts expand CODEC BLOCKS PAGES      do the blocks give the pages?
 *     bun native-driver.ts damage CODEC PAGES             every cut and every flipped byte of the first page's block
 *     bun native-driver.ts windows FILE                   mapped and read windows compared
 *     bun native-driver.ts queue FILE START LENGTH        LENGTH bytes from START on into a new file, by its queue if it has one
 */
import { readFileSync } from 'node:fs';
import { CompressError, type CodecName } from '../compress/codec.ts';
import { SequentialBuffer } from '../sink/sequential-buffer.ts';
import { createBunSystem } from '../sys/bun-system.ts';

const pageSize = 4096;
/** Around every target: native code that writes too far is seen here. */
const guardBytes = 512;
const guard = 0xa5;
const system = createBunSystem();
const [action, ...words] = process.argv.slice(2);

if (action === 'compress') compress(words[0] as CodecName, Number(words[1]), words[2]);
else if (action === 'expand') expand(words[0] as CodecName, words[1], words[2]);
else if (action === 'damage') damage(words[0] as CodecName, words[1]);
else if (action === 'windows') compareWindows(words[0]);
else if (action === 'queue') writeQueued(words[0], Number(words[1]), Number(words[2]));
else throw new Error(`Cannot do "${action}"`);

function compress(name: CodecName, level: number, pagesPath: string): void {
  const codec = system.openCodec(name, level);
  const pages = new Uint8Array(readFileSync(pagesPath));
  const bound = codec.outputBound(pageSize);
  const out = system.standardOutput();
  let written = 0;
  for (let at = 0; at < pages.length; at += pageSize) {
    const block = new Uint8Array(4 + bound + guardBytes).fill(guard);
    const length = codec.compress(pages, at, pageSize, block, 4);
    if (block.subarray(4 + bound).some((byte) => byte !== guard)) throw new Error(`${name} wrote beyond its bound`);
    new DataView(block.buffer).setUint32(0, length, true);
    out.write(written, block.subarray(0, 4 + length));
    written += 4 + length;
  }
  codec.close();
}

function expand(name: CodecName, blocksPath: string, pagesPath: string): void {
  const codec = system.openCodec(name);
  const blocks = new Uint8Array(readFileSync(blocksPath));
  const view = new DataView(blocks.buffer);
  const pages = readFileSync(pagesPath);
  const back = new Uint8Array(pageSize);
  let wrong = 0;
  let expanded = 0;
  let from = 0;
  for (let at = 0; at < pages.length; at += pageSize) {
    const length = view.getUint32(from, true);
    if (length > 0) {
      codec.decompress(blocks, from + 4, length, back, 0, pageSize);
      expanded++;
      if (!pages.subarray(at, at + pageSize).equals(back)) wrong++;
    }
    from += 4 + length;
  }
  codec.close();
  system.print(JSON.stringify({ expanded, wrong }));
}

function damage(name: CodecName, pagesPath: string): void {
  const codec = system.openCodec(name);
  const page = new Uint8Array(readFileSync(pagesPath)).slice(0, pageSize);
  const good = new Uint8Array(codec.outputBound(pageSize));
  const length = codec.compress(page, 0, pageSize, good, 0);
  const target = new Uint8Array(guardBytes + pageSize + guardBytes);
  const seen = { length, refused: 0, same: 0, different: 0, otherErrors: 0, beyond: 0 };
  const attempt = (block: Uint8Array, blockLength: number, targetLength: number) => {
    target.fill(guard);
    try {
      codec.decompress(block, 0, blockLength, target, guardBytes, targetLength);
      if (Buffer.compare(target.subarray(guardBytes, guardBytes + targetLength), page) === 0) seen.same++;
      else seen.different++;
    } catch (error) {
      if (error instanceof CompressError && error.code === 'compress/corrupt') seen.refused++;
      else seen.otherErrors++;
    }
    const outside = [...target.subarray(0, guardBytes), ...target.subarray(guardBytes + targetLength)];
    if (outside.some((byte) => byte !== guard)) seen.beyond++;
  };
  for (let cut = 1; cut < length; cut++) attempt(good, cut, pageSize);
  const cuts = { ...seen };
  for (let at = 0; at < length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const bad = good.slice();
      bad[at] ^= mask;
      attempt(bad, length, pageSize);
    }
  }
  for (const shorter of [1, 100, pageSize - 1]) attempt(good, length, shorter);
  codec.close();
  system.print(JSON.stringify({ cuts, all: seen }));
}

function compareWindows(path: string): void {
  const mapped = system.openFile(path, { mmap: 'always' });
  const read = system.openFile(path, { mmap: false });
  const windows = [mapped.openWindow(100_000), mapped.openWindow(4096), read.openWindow(100_000)];
  let seed = 7;
  let wrong = 0;
  for (let round = 0; round < 5000; round++) {
    seed = (seed * 48271) % 2147483647;
    const length = 1 + (seed % 4096);
    const offset = round % 4 === 0 ? mapped.sizeBytes - length : seed % (mapped.sizeBytes - length);
    const [a, b, c] = windows.map((window) => {
      const at = window.locate(offset, length);
      return window.bytes.subarray(at, at + length);
    });
    if (Buffer.compare(a, b) !== 0 || Buffer.compare(a, c) !== 0) wrong++;
  }
  const errors = [() => windows[0].locate(mapped.sizeBytes, 1), () => windows[0].locate(-1, 1), () => windows[1].locate(0, 4097)].map(
    codeOf,
  );
  // A closed descriptor refuses the next mapping: the window must turn to reading, which fails with an error too.
  windows[0].locate(0, 1);
  mapped.close();
  const refused = codeOf(() => windows[0].locate(mapped.sizeBytes - 1, 1));
  for (const window of windows) window.close();
  read.close();
  system.print(JSON.stringify({ wrong, errors, refused, afterClose: windows[0].bytes.some((byte) => byte !== 0) }));
}

/** Each byte is its offset modulo 251. */
function writeQueued(path: string, start: number, length: number): void {
  const sink = system.createFile(path);
  const buffer = new SequentialBuffer(sink, start);
  const bytes = Uint8Array.from({ length: 100_003 }, (_, index) => index % 251);
  for (let done = 0; done < length; ) {
    const from = (start + done) % 251;
    const count = Math.min(length - done, 99_000);
    buffer.append(bytes, from, count);
    done += count;
    sink.write(start - 1, Uint8Array.of((start - 1) % 251));
  }
  buffer.flush();
  sink.sync();
  sink.close();
}

function codeOf(action: () => void): string {
  try {
    action();
    return '';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
