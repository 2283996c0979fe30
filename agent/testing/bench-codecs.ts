/**
 * Speed and ratio of the codecs, page by page over a file, on this machine:
 *
 *     bun agent/testing/bench-codecs.ts FILE [LEVEL…]
 *
 * FILE is best an ELF vmcore that was filtered already (`makedumpfile -E -d 31`): its pages are those a dump compresses. Every block is
 * expanded again and compared. Needs the libraries that `bun build.ts` collects.
 */
import { MiB } from '../binary/units.ts';
import type { CodecName } from '../compress/codec.ts';
import { isZeroPage } from '../compress/zero-page.ts';
import { createBunSystem } from '../sys/bun-system.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';

const system = createBunSystem();
const pageSize = 4096;
const [path, ...levels] = process.argv.slice(2);
if (path === undefined) throw new Error('Cannot measure: name a vmcore');
const file = system.openFile(path);
const pages = Math.floor(file.sizeBytes / pageSize);

measureReading(false);
measureReading('always');
const zstdLevels = levels.length > 0 ? levels.map(Number) : [-5, -3, -2, -1, 1, 3];
for (const level of zstdLevels) measureCodec('zstd', level);
for (const level of [1, 2, 3, 6]) measureCodec('zlib', level);
measureCodec('snappy');
measureCodec('lzo');

function measureReading(mmap: false | 'always'): void {
  const source = system.openFile(path, { mmap });
  forEachPage(source, isZeroAt);
  const start = performance.now();
  let zero = 0;
  forEachPage(source, (bytes, at) => {
    if (isZeroAt(bytes, at)) zero++;
  });
  report(mmap ? 'zero test, mapped' : 'zero test, pread', performance.now() - start, `${zero} of ${pages} pages are zero`);
  source.close();
}

function isZeroAt(bytes: Uint8Array, at: number): boolean {
  return isZeroPage(bytes, at, pageSize);
}

function measureCodec(name: CodecName, level?: number): void {
  const codec = system.openCodec(name, level);
  const block = new Uint8Array(codec.outputBound(pageSize));
  const back = new Uint8Array(pageSize);
  let stored = 0;
  const start = performance.now();
  forEachPage(file, (bytes, at) => {
    stored += codec.compress(bytes, at, pageSize, block, 0) || pageSize;
  });
  const compressMs = performance.now() - start;
  let wrong = 0;
  let expandMs = 0;
  forEachPage(file, (bytes, at) => {
    const length = codec.compress(bytes, at, pageSize, block, 0);
    if (length === 0) return;
    const before = performance.now();
    codec.decompress(block, 0, length, back, 0, pageSize);
    expandMs += performance.now() - before;
    if (Buffer.compare(back, bytes.subarray(at, at + pageSize)) !== 0) wrong++;
  });
  const label = level === undefined ? name : `${name} ${level}`;
  report(
    label,
    compressMs,
    `→ ${(stored / (pages * pageSize)).toFixed(4)}, expanding ${speed(expandMs)}${wrong > 0 ? `, ${wrong} WRONG` : ''}`,
  );
  codec.close();
}

function forEachPage(source: MemoryFile, visit: (bytes: Uint8Array, at: number) => void): void {
  const window = source.openWindow(4 * MiB);
  for (let page = 0; page < pages; page++) visit(window.bytes, window.locate(page * pageSize, pageSize));
  window.close();
}

function speed(milliseconds: number): string {
  return `${((pages * pageSize) / 1000 / milliseconds).toFixed(0)} MB/s`;
}

function report(what: string, milliseconds: number, more: string): void {
  console.log(
    `${what.padEnd(18)} ${speed(milliseconds).padStart(12)}  ${((milliseconds * 1e6) / pages).toFixed(0).padStart(6)} ns a page  ${more}`,
  );
}
