import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { KcaptureError } from '../errors.ts';
import { openSource } from '../format/open-source.ts';
import { buildMemMap } from '../testing/build-mem-map.ts';
import { type CapturedSystem, createCapturedSystem } from '../testing/captured-system.ts';
import { dumpRequestDefaults as defaults } from '../testing/dump-request.ts';
import { fillMixedPage as fill } from '../testing/pattern.ts';
import { dump } from './dump.ts';
import { silentProgress } from './progress.ts';

const words = '0x0-0xff free order 8; 0x100-0x10f anon; 0x110-0x11f cache; 0x120-0x12f cache private; 0x130-0x1ff kernel';

async function setUp(t: Test): Promise<{ system: CapturedSystem; source: string }> {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  return { system, source: system.put('vmcore', buildMemMap(words, { fill }).vmcore()) };
}

t.test('dump() writes every kept page as it is in the source, and nothing else', async (t) => {
  const { system, source } = await setUp(t);
  const out = system.path('dump');
  const result = dump(system, { ...defaults, source, outputs: [out] }, silentProgress);
  t.ok(result.complete);
  t.match(result.pages, { free: 0x100, user: 0x10, cache: 0x10, cachePrivate: 0x10 });
  const original = openSource([system.openFile(source)], system.openCodec);
  const copy = openSource([system.openFile(out)], system.openCodec);
  const kept = copy.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  t.equal(kept, result.pages.kept + result.pages.zero);
  const expected = new Uint8Array(4096);
  const found = new Uint8Array(4096);
  for (const { start, end } of copy.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      original.read(pfn * 4096, expected);
      copy.read(pfn * 4096, found);
      if (!Buffer.from(expected).equals(found)) t.fail(`page frame ${pfn} differs`);
    }
  }
  t.notOk(existsSync(`${out}-incomplete`));
});

t.test('a dump of a dump is the dump', async (t) => {
  const { system, source } = await setUp(t);
  const direct = system.path('direct');
  dump(system, { ...defaults, source, outputs: [direct] }, silentProgress);
  const everything = system.path('everything');
  dump(system, { ...defaults, source, outputs: [everything], levels: [0] }, silentProgress);
  const refiltered = system.path('refiltered');
  dump(system, { ...defaults, source: everything, outputs: [refiltered] }, silentProgress);
  t.ok(readFileSync(refiltered).equals(readFileSync(direct)));
});

t.test('a flattened source gives the same dump', async (t) => {
  const { system, source } = await setUp(t);
  const direct = system.path('direct');
  dump(system, { ...defaults, source, outputs: [direct] }, silentProgress);
  const flat = system.path('flat');
  dump(system, { ...defaults, source, outputs: [flat], levels: [0], flattened: true }, silentProgress);
  const refiltered = system.path('refiltered');
  dump(system, { ...defaults, source: flat, outputs: [refiltered] }, silentProgress);
  t.ok(readFileSync(refiltered).equals(readFileSync(direct)));
});

t.test('a full disk leaves a readable dump that says it is incomplete', async (t) => {
  const { system, source } = await setUp(t);
  const out = system.path('dump');
  const whole = dump(system, { ...defaults, source, outputs: [system.path('whole')] }, silentProgress);
  system.roomBytes = Math.floor(whole.writtenBytes * 0.8);
  const result = dump(system, { ...defaults, source, outputs: [out] }, silentProgress);
  t.notOk(result.complete);
  t.match(result.problem, /no space/);
  t.same(result.outputs, [`${out}-incomplete`]);
  t.notOk(existsSync(out));
  const partial = openSource([system.openFile(`${out}-incomplete`)], system.openCodec);
  t.equal(partial.endPfn, whole.endPfn);
});

t.test('the next level is tried when the disk is full', async (t) => {
  const { system, source } = await setUp(t);
  const small = dump(system, { ...defaults, source, outputs: [system.path('small')] }, silentProgress);
  system.roomBytes = small.writtenBytes + 4096;
  const result = dump(system, { ...defaults, source, outputs: [system.path('dump')], levels: [0, 31] }, silentProgress);
  t.ok(result.complete);
  t.equal(result.level, 31);
  t.ok(readFileSync(system.path('dump')).equals(readFileSync(system.path('small'))));
});

t.test('an output that exists is refused, and replaced when told to', async (t) => {
  const { system, source } = await setUp(t);
  const out = system.put('dump', new Uint8Array(3));
  t.throws(() => dump(system, { ...defaults, source, outputs: [out] }, silentProgress), { code: 'sink/exists' });
  t.equal(readFileSync(out).length, 3);
  t.ok(dump(system, { ...defaults, source, outputs: [out], overwrite: true }, silentProgress).complete);
  t.ok(readFileSync(out).length > 3);
});

t.test('the input is never the output, whatever it is called', async (t) => {
  const { system, source } = await setUp(t);
  const before = readFileSync(source);
  t.throws(() => dump(system, { ...defaults, source, outputs: [source], overwrite: true }, silentProgress), { code: 'sink/is-input' });
  t.ok(readFileSync(source).equals(before));
});

t.test('a dry run tells the size and writes nothing', async (t) => {
  const { system, source } = await setUp(t);
  const real = dump(system, { ...defaults, source, outputs: [system.path('dump')] }, silentProgress);
  const dry = dump(system, { ...defaults, source, outputs: [system.path('nothing')], dryRun: true }, silentProgress);
  t.equal(dry.writtenBytes, real.writtenBytes);
  t.notOk(existsSync(system.path('nothing')));
  t.notOk(existsSync(system.path('nothing-incomplete')));
});

t.test('without a readable memory model, level 31 refuses and level 1 keeps everything', async (t) => {
  const { system } = await setUp(t);
  const source = system.put('blind', buildMemMap(words, { fill, vmcoreinfo: { 'SYMBOL(mem_section)': undefined } }).vmcore());
  let hint: string | undefined;
  try {
    dump(system, { ...defaults, source, outputs: [system.path('no')] }, silentProgress);
  } catch (error) {
    hint = (error as KcaptureError).hint;
  }
  t.match(hint, /-d 0/);
  t.notOk(existsSync(system.path('no-incomplete')));
  const result = dump(system, { ...defaults, source, outputs: [system.path('yes')], levels: [1] }, silentProgress);
  t.ok(result.complete);
  t.equal(result.warnings.length, 1);
  t.equal(result.pages.kept + result.pages.zero, result.pages.original);
});

t.test('split parts together are the whole dump', async (t) => {
  const { system, source } = await setUp(t);
  const parts = ['a', 'b', 'c'].map((name) => system.path(name));
  const whole = dump(system, { ...defaults, source, outputs: [system.path('whole')] }, silentProgress);
  const split = dump(system, { ...defaults, source, outputs: parts }, silentProgress);
  t.same(split.stored, whole.stored);
  const memory = openSource(
    parts.map((path) => system.openFile(path)),
    system.openCodec,
  );
  t.same(memory.ranges, openSource([system.openFile(system.path('whole'))], system.openCodec).ranges);
});

t.test('a split set without room for all parts is tried again at the next level, and named when it is whole', async (t) => {
  const { system, source } = await setUp(t);
  const parts = ['a', 'b'].map((name) => system.path(name));
  const large = dump(system, { ...defaults, source, outputs: parts, levels: [0], codec: undefined }, silentProgress);
  t.ok(large.complete);
  const small = dump(system, { ...defaults, source, outputs: parts, overwrite: true, codec: undefined }, silentProgress);
  const sizes = parts.map((path) => readFileSync(path).length);
  system.roomBytes = Math.max(...sizes) + 4096;
  const again = dump(system, { ...defaults, source, outputs: parts, overwrite: true, codec: undefined, levels: [0, 31] }, silentProgress);
  t.match(again, { complete: true, level: 31, outputs: parts });
  t.same(again.stored, small.stored);
  for (const path of parts) t.notOk(existsSync(`${path}-incomplete`));
});

t.test('a split set that cannot be finished keeps every part under its incomplete name', async (t) => {
  const { system, source } = await setUp(t);
  const parts = ['a', 'b'].map((name) => system.path(name));
  system.roomBytes = 1_000_000;
  const result = dump(system, { ...defaults, source, outputs: parts, codec: undefined, levels: [0] }, silentProgress);
  t.notOk(result.complete);
  for (const path of parts) t.notOk(existsSync(path));
  t.ok(result.outputs.every((path) => path.endsWith('-incomplete') && existsSync(path)));
});

t.test('no part is written when one of them may not be', async (t) => {
  const { system, source } = await setUp(t);
  const second = system.put('b', new Uint8Array(1));
  t.throws(() => dump(system, { ...defaults, source, outputs: [system.path('a'), second] }, silentProgress), { code: 'sink/exists' });
  t.notOk(existsSync(system.path('a')) || existsSync(`${system.path('a')}-incomplete`));
});
