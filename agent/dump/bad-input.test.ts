/** Inputs and outputs that make no sense, on real files: each is refused with a clear error, and nothing is harmed. */
import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../cli.ts';
import { flattenedHeaderBytes } from '../format/flattened/layout.ts';
import { diskDumpHeader, kdumpSubHeader } from '../format/kdump/layout.ts';
import { asKdump, openSource } from '../format/open-source.ts';
import { createCapturedSystem } from '../testing/captured-system.ts';
import { buildLocklessLog } from '../testing/build-log.ts';
import { buildElfCore, buildMachine } from '../testing/build-machine.ts';
import { buildVictim } from '../testing/hostile-inputs.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { makeFolder, runPython, runTool } from '../testing/other-tools.ts';

const build = { version: '0', commit: 'test', runtime: 'node', arch: 'x64' };
const vmcore = buildVictim().vmcore();

async function setUp(t: Test) {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const go = (...words: string[]) => run(system, build, words);
  const dump = (...words: string[]) => go('dump', '-q', '-c', ...words);
  /** The command fails with these words, and is no fault of our own. */
  const refuses = async (t: Test, says: RegExp, ...words: string[]) => {
    system.printed.error = '';
    t.equal(await go(...words), 1, words.join(' '));
    t.match(system.printed.error, says, words[0]);
    t.match(system.printed.error, /^kcapture: Cannot /);
  };
  return { system, source: system.put('vmcore', vmcore), go, dump, refuses };
}

t.test('what is no dump is refused by every command, by name', async (t) => {
  const { system, refuses } = await setUp(t);
  mkdirSync(system.path('folder'));
  spawnSync('mkfifo', [system.path('pipe')]);
  const inputs: [path: string, says: RegExp][] = [
    [system.path('folder'), /it is a directory/],
    [system.path('pipe'), /it is a pipe/],
    [system.put('empty', new Uint8Array(0)), /empty/],
    ['/dev/null', /it is a character device/],
    [system.path('missing'), /there is no such file/],
    [system.put('text', Buffer.from('hello\n')), /a text file|the stream ends|5 bytes|6 bytes/],
    [system.put('one', Uint8Array.of(0x7f)), /data of an unknown kind|the stream ends/],
  ];
  for (const [path, says] of inputs) {
    await refuses(t, says, 'dump', '-q', path, system.path('out'));
    await refuses(t, says, 'inspect', path);
    await refuses(t, says, 'dmesg', path, system.path('out'));
    await refuses(t, says, 'vtop', 'ffffffff81000000', path);
    await refuses(t, says, 'rearrange', path, system.path('out'));
    await refuses(t, path.endsWith('text') || path.endsWith('one') ? /Cannot/ : says, 'reassemble', path, path, system.path('out'));
    t.notOk(existsSync(system.path('out')), 'nothing is left');
    t.notOk(existsSync(system.path('out-incomplete')), 'nothing incomplete either');
  }
});

t.test('a vmcore of another architecture is refused by its number', async (t) => {
  const { system, refuses } = await setUp(t);
  const bytes = vmcore.slice();
  bytes[18] = 21;
  await refuses(t, /machine.*: 21, expected 62/, 'dump', '-q', system.put('ppc', bytes), system.path('out'));
});

t.test('the input is never written over, whatever it is called', async (t) => {
  const { system, source, refuses } = await setUp(t);
  symlinkSync(source, system.path('symbolic'));
  linkSync(source, system.path('hard'));
  symlinkSync(source, system.path('next-incomplete'));
  for (const out of [source, system.path('symbolic'), system.path('hard'), system.path('next')]) {
    await refuses(t, /it is an input/, 'dump', '-q', '-f', source, out);
  }
  const unfinished = system.put('old-incomplete', vmcore);
  await refuses(t, /it is an input/, 'dump', '-q', '-f', unfinished, system.path('old'));
  t.ok(readFileSync(source).equals(vmcore) && readFileSync(unfinished).equals(vmcore), 'both are as they were');
});

t.test('two parts of a split set are never written to one file', async (t) => {
  const { system, source, go, dump } = await setUp(t);
  t.equal(await dump('--split', '-f', source, system.path('a'), system.path('a')), 2);
  symlinkSync(system.path('a'), system.path('b'));
  t.equal(await dump('--split', '-f', source, system.path('a'), system.path('b')), 0);
  t.notOk(lstatSync(system.path('b')).isSymbolicLink(), 'the second part has taken the place of the link, and not of the first part');
  for (const part of ['a', 'b']) t.equal(await go('inspect', system.path(part)), 0);
});

t.test('an output that exists is kept, and so is one of which only the unfinished name exists', async (t) => {
  const { system, source, refuses, dump } = await setUp(t);
  const out = system.put('out', Uint8Array.of(1, 2, 3));
  await refuses(t, /it exists/, 'dump', '-q', source, out);
  await refuses(t, /it exists/, 'rearrange', source, out);
  t.equal(readFileSync(out).length, 3);
  t.equal(await dump('-f', source, out), 0);
  t.ok(readFileSync(out).length > 3);
});

t.test('a flattened file that promises terabytes is refused before anything is allocated', async (t) => {
  const { system, refuses, go } = await setUp(t);
  const pages = 2 ** 33;
  const heads = new Uint8Array(2 * 4096);
  const blocks = (2 * pages) / 8 / 4096;
  const utsname = new Uint8Array(390);
  utsname.set(Buffer.from('x86_64'), 4 * 65);
  heads.set(
    diskDumpHeader.write({
      signature: Buffer.from('KDUMP   '),
      header_version: 6,
      utsname,
      block_size: 4096,
      sub_hdr_size: 1,
      bitmap_blocks: blocks,
      max_mapnr: 0xffffffff,
      nr_cpus: 1,
    }),
  );
  heads.set(kdumpSubHeader.write({ max_mapnr_64: BigInt(pages) }), 4096);
  const kdump = system.put('kdump', flatten([0, heads], [2 ** 50, Uint8Array.of(1)]));
  const before = process.memoryUsage().arrayBuffers;
  await refuses(t, /max_mapnr/, 'dump', '-q', kdump, system.path('out'));
  t.equal(await go('inspect', kdump), 0, 'its headers can be looked at');
  const elf = buildVmcore({ segments: [{ physicalAddress: 0, data: new Uint8Array(4096), memoryBytes: 2 ** 48 }] }).slice();
  new DataView(elf.buffer).setBigUint64(64 + 56 + 32, 2n ** 48n, true);
  await refuses(t, /of its own/, 'dump', '-q', system.put('elf', flatten([0, elf], [2 ** 50, Uint8Array.of(1)])), system.path('out'));
  t.ok(process.memoryUsage().arrayBuffers - before < 2 ** 28);
});

/** A flattened file of these records. */
function flatten(...records: [offset: number, bytes: Uint8Array][]): Uint8Array {
  const head = Buffer.alloc(flattenedHeaderBytes);
  head.write('makedumpfile');
  head.writeBigInt64BE(1n, 16);
  head.writeBigInt64BE(1n, 24);
  const parts = [...records, [-1, undefined] as const].map(([offset, bytes]) => {
    const record = Buffer.alloc(16);
    record.writeBigInt64BE(BigInt(offset), 0);
    record.writeBigInt64BE(BigInt(bytes?.length ?? -1), 8);
    return Buffer.concat([record, bytes ?? new Uint8Array(0)]);
  });
  return Buffer.concat([head, ...parts]);
}

/** A kernel log in the first pages, and so much behind it that a small disk does not hold it. */
function buildLargeVmcore(): Uint8Array {
  const log = buildLocklessLog([{ text: 'the last words' }]);
  const machine = buildMachine({ ranges: [{ start: 0, end: 1600 }], vmcoreinfo: log.vmcoreinfo });
  const pages = log.bytes.length / 4096;
  return buildElfCore({ ...machine, page: (pfn) => (pfn < pages ? log.bytes.subarray(pfn * 4096, (pfn + 1) * 4096) : machine.page(pfn)) });
}

/** Python: how many of the first pages of a dump libkdumpfile reads before the first that is missing. */
const readablePages = `
import kdumpfile, sys
dump = kdumpfile.kdumpfile(sys.argv[1])
good = 0
try:
    for pfn in range(int(sys.argv[2])):
        dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * 4096, 4096)
        good += 1
except kdumpfile.exceptions.CorruptException:
    pass
print(good)
`;

t.test('a full file system leaves an incomplete dump that every reader opens', async (t) => {
  const { system, go } = await setUp(t);
  const source = system.put('large', buildLargeVmcore());
  const disk = makeFolder((clean) =>
    t.teardown(() => {
      spawnSync('umount', ['-l', disk]);
      clean();
    }),
  );
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]).status !== 0) {
    t.comment('no right to mount a file system');
    return;
  }
  const out = join(disk, 'dump');
  t.equal(await go('dump', '-q', '--compress', 'none', '-d', '0', source, out), 3);
  t.match(system.printed.out, /INCOMPLETE .*dump-incomplete/);
  t.match(system.printed.out, /size +[1-9].*\n.* [1-9]\d* raw/, 'it tells what was written');
  t.notOk(existsSync(out));
  const partial = `${out}-incomplete`;
  t.ok(statSync(partial).size > 0);
  const memory = openSource([system.openFile(partial)], system.openCodec);
  t.ok(asKdump(memory)?.incomplete, 'it says so itself');
  const held = memory.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  t.ok(held > 0 && held < 0x400, `${held} pages are there`);
  const expected = new Uint8Array(4096);
  const found = new Uint8Array(4096);
  const original = openSource([system.openFile(source)], system.openCodec);
  for (const { start, end } of memory.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      original.read(pfn * 4096, expected);
      memory.read(pfn * 4096, found);
      if (Buffer.compare(expected, found) !== 0) t.fail(`page frame ${pfn} differs`);
    }
  }
  t.equal(Number(runPython(readablePages, [partial, String(memory.endPfn)]).toString()), held, 'libkdumpfile reads as many');
  runTool('makedumpfile', ['--dump-dmesg', partial, system.path('log')]);
  t.match(readFileSync(system.path('log'), 'utf8'), /the last words/, 'makedumpfile reads the log in it');
  t.equal(await go('inspect', partial), 0);
  rmSync(partial);
});

t.test('a file system without room for the headers leaves nothing', async (t) => {
  const { system, source, go } = await setUp(t);
  system.roomBytes = 5000;
  t.equal(await go('dump', '-q', '--compress', 'none', source, system.path('out')), 1);
  t.match(system.printed.error, /no space/);
  t.notOk(existsSync(system.path('out-incomplete')));
});
