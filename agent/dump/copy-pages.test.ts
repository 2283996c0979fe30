import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { System } from '../sys/system.ts';
import { type MemoryFile, VmcoreError } from '../vmcore/memory-file.ts';
import { CompressError, type PageCodec } from '../compress/codec.ts';
import type { DumpWriter } from '../format/dump-writer.ts';
import { openSource } from '../format/open-source.ts';
import { PageExchange } from '../compress/page-exchange.ts';
import { buildElfCore, buildMachine } from '../testing/build-machine.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { createCapturedSystem } from '../testing/captured-system.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { type CopyJob, copyPages } from './copy-pages.ts';
import { dump } from './dump.ts';
import { silentProgress } from './progress.ts';
import { type PageWorkerTask, startTeam } from './page-team.ts';

const machine = buildMachine({
  ranges: [
    { start: 3, end: 700 },
    { start: 800, end: 801 },
    { start: 900, end: 2100 },
  ],
});
const core = buildElfCore(machine);

class RecordingWriter implements DumpWriter {
  readonly pages: string[] = [];
  readonly writtenBytes = 0;
  readonly #pagesUntilFull: number;

  constructor(pagesUntilFull = Number.POSITIVE_INFINITY) {
    this.#pagesUntilFull = pagesUntilFull;
  }

  addZeroPage(pfn: number): void {
    this.pages.push(`${pfn} zero`);
  }

  addPage(pfn: number, bytes: Uint8Array, start: number, length: number, flags: number): void {
    if (this.pages.length >= this.#pagesUntilFull) throw new Error('full');
    this.pages.push(`${pfn} ${flags} ${Buffer.from(bytes.subarray(start, start + length)).toString('base64')}`);
  }

  addLostPage(pfn: number): void {
    this.pages.push(`${pfn} lost`);
  }

  finish(): void {}
  abandon(): void {}
}

/** Copies alone and with a team whose threads are what `startWorkers` makes of them. */
async function copyBoth(startWorkers: (tasks: readonly unknown[]) => void, changes: Partial<CopyJob> = {}) {
  const system = { ...(await createNodeSystem()), startWorkers };
  const memory = openSource([openBytes(core)], system.openCodec);
  const codec = system.openCodec('zlib');
  const alone = new RecordingWriter();
  const together = new RecordingWriter();
  const job = { memory, kept: machine.existing, codec, shareZero: true, onProgress() {}, ...changes };
  const team = startTeam(system, memory, codec, { source: 'built', mmap: false, codecLevel: undefined, threads: 3 });
  return {
    expected: copyPages({ ...job, writer: alone }),
    found: copyPages({ ...job, writer: together, team }),
    expectedPages: alone.pages,
    foundPages: together.pages,
    again: () => copyPages({ ...job, writer: together, team }),
    fail: (codec: PageCodec) => copyPages({ ...job, codec, writer: new RecordingWriter(100), team }),
    codec,
  };
}

t.test('without a single living thread the pages are the same', async (t) => {
  for (const changes of [{}, { shareZero: false }, { range: { start: 64, end: 1024 } }, { range: { start: 701, end: 702 } }]) {
    const both = await copyBoth(() => {}, changes);
    t.same(both.found, both.expected);
    t.same(both.foundPages, both.expectedPages);
  }
});

t.test('threads that die holding a batch cost nothing but that', async (t) => {
  const both = await copyBoth((tasks) => {
    for (const { shape, worker } of tasks as PageWorkerTask[]) {
      const exchange = new PageExchange(shape);
      exchange.draw(worker);
      exchange.leave(worker);
    }
  });
  t.same(both.found, both.expected);
  t.same(both.foundPages, both.expectedPages);
});

t.test('a team serves another copy, also after some that failed', async (t) => {
  const both = await copyBoth(() => {});
  const failing: PageCodec = {
    ...{ name: 'zlib', outputBound: (length) => both.codec.outputBound(length), decompress() {}, close() {} },
    compress() {
      throw new CompressError('compress/failed', 'broken');
    },
  };
  t.throws(() => both.fail(failing), { message: 'broken' });
  t.throws(() => both.fail(both.codec), { message: 'full' });
  t.same(both.again(), both.expected);
  t.same(both.foundPages, [...both.expectedPages, ...both.expectedPages]);
});

t.test('a real dump has the same bytes for any number of threads', (t) => {
  const bun = 'node_modules/.bin/bun';
  if (!existsSync('agent/sys/native/libzstd.so')) spawnSync(bun, ['build.ts', '--libraries']);
  const folder = t.testdir();
  writeFileSync(join(folder, 'vmcore'), core);
  const dumpWith = (codec: string, threads: number) => {
    const out = join(folder, `dump${codec}${threads}`);
    const words = ['agent/main.ts', 'dump', codec, '-d', '1', '--num-threads', String(threads), join(folder, 'vmcore'), out];
    const result = spawnSync(bun, words, { encoding: 'utf8' });
    if (result.status !== 0) t.fail(`${words.join(' ')}: ${result.status ?? result.signal} ${result.stderr}`);
    return readFileSync(out);
  };
  for (const codec of ['-z', '-l', '-c', '-p']) {
    const alone = dumpWith(codec, 1);
    for (const threads of [2, 5]) t.ok(dumpWith(codec, threads).equals(alone), `${codec} with ${threads} threads`);
  }
  t.end();
});

t.test('a page that cannot be read costs itself alone', async (t) => {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const source = system.put('vmcore', core);
  const badOffset = 12345 * 16;
  const request = { source, format: 'kdump', flattened: false, codec: 'zlib', codecLevel: undefined, levels: [1] } as const;
  const rest = { overwrite: false, inPlace: false, dryRun: false, mmap: false, threads: 1 };
  const whole = dump(system, { ...request, ...rest, outputs: [system.path('whole')] }, silentProgress);
  const failing: System = { ...system, openFile: (path) => failAt(system.openFile(path), badOffset) };
  const result = dump(failing, { ...request, ...rest, outputs: [system.path('dump')] }, silentProgress);
  t.notOk(result.complete);
  t.match(result.problem, /Cannot read 1 pages/);
  const found = result.stored;
  t.equal(found.unreadable, 1);
  t.equal(found.zero + found.compressed + found.raw, whole.stored.zero + whole.stored.compressed + whole.stored.raw - 1);
  const memory = openSource([system.openFile(`${system.path('dump')}-incomplete`)], system.openCodec);
  t.equal(memory.endPfn, machine.endPfn);
});

/** A file with one byte that the disk refuses, whoever asks for it. */
function failAt(file: MemoryFile, badOffset: number): MemoryFile {
  const refuse = (offset: number, length: number) => {
    if (offset <= badOffset && badOffset < offset + length) throw new VmcoreError('vmcore/io', `Cannot read at ${badOffset}: broken`);
  };
  return {
    ...{ path: file.path, sizeBytes: file.sizeBytes, close: () => file.close() },
    read(offset, target) {
      refuse(offset, target.length);
      file.read(offset, target);
    },
    openWindow(capacityBytes) {
      const window = file.openWindow(capacityBytes);
      return {
        ...{ bytes: window.bytes, capacityBytes, close: () => window.close() },
        locate(offset, length) {
          refuse(offset, length);
          return window.locate(offset, length);
        },
      };
    },
  };
}
