import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { KcaptureError } from '../errors.ts';
import { diskDumpHeader, statusFlags } from '../format/kdump/layout.ts';
import { openSource } from '../format/open-source.ts';
import { buildMemMap, type MemMapOptions } from '../testing/build-mem-map.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { type CapturedSystem, createCapturedSystem } from '../testing/captured-system.ts';
import { dumpRequestDefaults } from '../testing/dump-request.ts';
import { buildVictim, classifiedPages } from '../testing/hostile-inputs.ts';
import { createMemorySystem } from '../testing/memory-system.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { fillMixedPage } from '../testing/pattern.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import { type DumpRequest, type DumpResult, dump } from './dump.ts';
import { type Progress, silentProgress } from './progress.ts';

/** Every kind of page, in blocks that windows of any size cut. */
const words =
  '0x0-0xff free order 3; 0x100-0x17f anon; 0x180-0x1ff cache; 0x200-0x3ff hugetlb order 9; 0x400-0x5ff anon order 9; 0x600-0x61f slab order 1; ' +
  '0x620-0x6ff hole; 0x780 kernel hwpoison; 0x781-0x78f offline; 0x800-0xbff free order 10; 0xc00-0xc0f cache private';

function fill(pfn: number, page: Uint8Array): void {
  if (pfn <= 0x1000) fillMixedPage(pfn, page);
}

const defaults = { ...dumpRequestDefaults, overwrite: true };

const noLimit = 2 ** 40;

type Attempt = { readonly result: DumpResult; readonly bytes: Uint8Array };

async function setUp(t: Test, vmcore: Uint8Array) {
  const system = await createCapturedSystem();
  t.teardown(() => system.removeFolder());
  const source = system.put('vmcore', vmcore);
  const dumpWith = (changes: Partial<DumpRequest>, progress: Progress = silentProgress): Attempt => {
    const out = system.path('dump');
    const result = dump(system, { ...defaults, source, outputs: [out], ...changes }, progress);
    return { result, bytes: changes.dryRun ? new Uint8Array(0) : readFileSync(result.outputs[0]) };
  };
  return { system, source, dumpWith };
}

function build(text: string, options: MemMapOptions = {}): Uint8Array<ArrayBuffer> {
  return buildMemMap(text, { fill, ...options }).vmcore();
}

/** What has to be equal, whatever the windows. */
function facts({ result }: Attempt): Partial<DumpResult> {
  const { pages, stored, writtenBytes, warnings, complete, level, codecLevels, endPfn } = result;
  return { pages, stored, writtenBytes, warnings, complete, level, codecLevels, endPfn };
}

const shapes: [name: string, request: Partial<DumpRequest>][] = [
  ['level 31', {}],
  ['level 31, flattened', { flattened: true }],
  ['level 31, threads', { threads: 2 }],
  ['level 17', { levels: [17] }],
  ['level 1, flattened', { levels: [1], flattened: true }],
  ['level 0, no codec', { levels: [0], codec: undefined }],
  ['level 8, zstd', { levels: [8], codec: 'zstd' }],
];

for (const era of ['3.10', '5.10', '6.12'] as const) {
  const text = era === '3.10' ? words.replace('0x781-0x78f offline; ', '') : words;
  t.test(`windows of any size give the same bytes: Linux ${era}`, async (t) => {
    const { dumpWith } = await setUp(t, build(text, { era }));
    for (const [name, request] of shapes) {
      const whole = dumpWith({ ...request, memoryLimitBytes: noLimit });
      t.equal(whole.result.windows, undefined);
      for (const memoryLimitBytes of [8, 13, 31, 64, 200]) {
        const windowed = dumpWith({ ...request, memoryLimitBytes });
        t.equal(windowed.result.windows, Math.ceil(whole.result.endPfn / (memoryLimitBytes * 8)));
        t.ok(Buffer.from(windowed.bytes).equals(whole.bytes), `${name}, ${memoryLimitBytes} bytes`);
        t.same(facts(windowed), facts(whole));
      }
    }
  });
}

t.test('a dump is the source in windows, too', async (t) => {
  const { system, source, dumpWith } = await setUp(t, build(words));
  const whole = dumpWith({ memoryLimitBytes: noLimit });
  const everything = system.path('everything');
  dump(system, { ...defaults, source, outputs: [everything], levels: [0], memoryLimitBytes: 20 }, silentProgress);
  t.ok(Buffer.from(dumpWith({ source: everything, memoryLimitBytes: 20 }).bytes).equals(whole.bytes));
});

t.test('a dry run in windows tells the size', async (t) => {
  const { dumpWith } = await setUp(t, build(words));
  const real = dumpWith({ memoryLimitBytes: noLimit });
  t.same(facts(dumpWith({ memoryLimitBytes: 40, dryRun: true })), facts(real));
});

t.test('progress has two steps, each of which ends once', async (t) => {
  const { dumpWith } = await setUp(t, build(words));
  const steps: string[] = [];
  let last = 0;
  const progress: Progress = {
    start(step, total) {
      steps.push(`${step} ${total}`);
      last = 0;
    },
    update(done) {
      if (done < last) t.fail(`${steps.at(-1)} went from ${last} back to ${done}`);
      last = done;
    },
    end: () => steps.push(`end ${last}`),
  };
  const { result } = dumpWith({ memoryLimitBytes: 20 }, progress);
  const kept = result.pages.kept + result.pages.zero;
  t.same(steps, [`filtering ${result.endPfn}`, `end ${result.endPfn}`, `copying ${kept}`, `end ${kept}`]);
});

t.test('wherever the disk is full, what is there is readable and says that it is incomplete', async (t) => {
  const { system, dumpWith } = await setUp(t, build(words));
  const { bytes } = dumpWith({ memoryLimitBytes: noLimit });
  const rooms = [0.4, 0.6, 0.8, 0.99].map((share) => Math.floor(bytes.length * share));
  for (const roomBytes of rooms) {
    system.roomBytes = roomBytes;
    const whole = dumpWith({ memoryLimitBytes: noLimit });
    const windowed = dumpWith({ memoryLimitBytes: 20 });
    t.match(windowed.result, { complete: false, problemCode: 'sink/no-space' });
    t.ok(Buffer.from(windowed.bytes).equals(whole.bytes));
  }
  system.roomBytes = 4096 * 3 + 10;
  t.throws(() => dumpWith({ memoryLimitBytes: 20 }), { code: 'sink/no-space' }, 'not even the bitmaps fit');
  t.notOk(existsSync(`${system.path('dump')}-incomplete`));
});

t.test('the next level is tried in windows when the disk is full', async (t) => {
  const { system, dumpWith } = await setUp(t, build(words));
  const small = dumpWith({ memoryLimitBytes: noLimit });
  system.roomBytes = small.bytes.length + 4096;
  const again = dumpWith({ memoryLimitBytes: 20, levels: [0, 31] });
  t.same(facts(again), facts(small));
  t.ok(Buffer.from(again.bytes).equals(small.bytes));
});

t.test('what is warned of is warned of once', async (t) => {
  const machine = buildMemMap(words, { fill });
  machine.structPage(0x40).setBigUint64(40, 99n, true);
  const { dumpWith } = await setUp(t, machine.vmcore());
  t.match(dumpWith({ memoryLimitBytes: 20 }).result.warnings, [/^1 blocks of pages/]);
});

t.test('struct pages that are not where the pointer says: the levels do what they do at once', async (t) => {
  const machine = buildMemMap(words, { model: 'flat' });
  const image = machine.image();
  image.writeU64(machine.tables.data + 0x800, machine.structPageAddress(1));
  const { system, dumpWith } = await setUp(t, buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() }));
  for (const memoryLimitBytes of [20, noLimit]) {
    t.throws(() => dumpWith({ memoryLimitBytes }), { code: 'memory-model/unreadable', hint: /-d 0/ });
    t.notOk(existsSync(system.path('dump')) || existsSync(`${system.path('dump')}-incomplete`));
  }
});

t.test('struct pages of which none is in the file: the levels do what they do at once', async (t) => {
  const machine = buildMemMap(words, { model: 'flat' });
  const first = machine.structPagePhysical(0);
  const end = Math.ceil(machine.structPagePhysical(machine.endPfn) / 4096) * 4096;
  const segments = machine
    .image()
    .segments()
    .flatMap(({ data, physicalAddress }) => [
      { physicalAddress, data: data.subarray(0, first - physicalAddress) },
      { physicalAddress: end, data: data.subarray(end - physicalAddress) },
    ]);
  const { system, dumpWith } = await setUp(t, buildVmcore({ segments: segments.slice(-2), vmcoreinfo: machine.vmcoreinfo() }));
  for (const memoryLimitBytes of [20, noLimit]) {
    t.throws(() => dumpWith({ memoryLimitBytes }), { code: 'memory-model/unreadable', message: /none of \d+ is in the file/ });
    t.notOk(existsSync(system.path('dump')) || existsSync(`${system.path('dump')}-incomplete`));
  }
  const whole = dumpWith({ memoryLimitBytes: noLimit, levels: [1] });
  const windowed = dumpWith({ memoryLimitBytes: 20, levels: [1] });
  t.match(windowed.result.warnings, [/Broken and offline pages are not left out/]);
  t.same(facts(windowed), facts(whole));
  t.ok(Buffer.from(windowed.bytes).equals(whole.bytes));
});

t.test('no memory model at all: everything is kept, in windows', async (t) => {
  const { dumpWith } = await setUp(t, build(words, { vmcoreinfo: { 'SYMBOL(mem_section)': undefined } }));
  t.throws(() => dumpWith({ memoryLimitBytes: 20 }), { code: 'memory-model/unreadable' });
  const whole = dumpWith({ memoryLimitBytes: noLimit, levels: [0] });
  const windowed = dumpWith({ memoryLimitBytes: 20, levels: [0] });
  t.same(facts(windowed), facts(whole));
  t.ok(Buffer.from(windowed.bytes).equals(whole.bytes));
});

t.test('a source that changes between the scans ends the dump where it changed', async (t) => {
  // More struct pages than are in view at a time: they are read again.
  const before = `${words}; 0x2000-0x23ff cache`;
  const changed = build(before.replace('0x800-0xbff free order 10', '0x800-0x8ff free order 8; 0xa00-0xbff free order 9'));
  for (const flattened of [false, true]) {
    const { system, source, dumpWith } = await setUp(t, build(before));
    const progress: Progress = {
      ...silentProgress,
      start: (step) => {
        if (step === 'copying') writeFileSync(source, changed);
      },
    };
    const { result, bytes } = dumpWith({ memoryLimitBytes: 32, flattened }, progress);
    t.match(result, { complete: false, problemCode: 'format/changed', problem: /page frames 2304 … 2560 .* the source changed/ });
    t.same(result.outputs, [`${system.path('dump')}-incomplete`]);
    if (flattened) continue;
    t.equal(diskDumpHeader.read(bytes).status & statusFlags.incomplete, statusFlags.incomplete);
    expectPagesBefore(t, system, result.outputs[0], source, 0x800);
  }
});

/** The pages below `end` that a dump has are those of the source, and there are some. */
function expectPagesBefore(t: Test, system: CapturedSystem, path: string, source: string, end: number): void {
  const original = openSource([system.openFile(source)], system.openCodec);
  const copy = openSource([system.openFile(path)], system.openCodec);
  const [expected, found] = [new Uint8Array(4096), new Uint8Array(4096)];
  let pages = 0;
  for (const range of copy.ranges) {
    for (let pfn = range.start; pfn < Math.min(end, range.end); pfn++, pages++) {
      original.read(pfn * 4096, expected);
      copy.read(pfn * 4096, found);
      if (!Buffer.from(expected).equals(found)) t.fail(`page frame ${pfn} differs`);
    }
  }
  t.ok(pages > 100, `${pages} pages`);
}

t.test('an ELF dump and a split one take all of the bitmap, and say so when that is over the limit', async (t) => {
  const { system, dumpWith } = await setUp(t, build(words));
  const cases: Partial<DumpRequest>[] = [{ format: 'elf', codec: undefined }, { outputs: [system.path('a'), system.path('b')] }];
  for (const request of cases) {
    const whole = dumpWith({ ...request, memoryLimitBytes: noLimit });
    const limited = dumpWith({ ...request, memoryLimitBytes: 64 });
    t.same(whole.result.warnings, []);
    t.match(limited.result.warnings, [/more than the limit of 64 B/]);
    t.ok(Buffer.from(limited.bytes).equals(whole.bytes));
    t.equal(limited.result.windows, undefined);
  }
});

t.test('without a wish the limit comes from the memory that is available', async (t) => {
  const { system, source } = await setUp(t, build(words));
  const windowsWith = (meminfo: string | undefined) => {
    const files = { ...system.files, readTextIfThere: (path: string) => (path === '/proc/meminfo' ? meminfo : undefined) };
    return dump({ ...system, files }, { ...defaults, source, outputs: [system.path('dump')] }, silentProgress).windows;
  };
  t.equal(windowsWith('MemTotal:  200000 kB\nMemAvailable:  100000 kB\n'), undefined);
  // 256 bytes of 1 KiB: 2048 page frames.
  t.equal(windowsWith('MemAvailable:  1 kB\n'), 2);
  t.equal(windowsWith(undefined), undefined);
});

t.test('whatever is damaged, windows make the dump or the error that one scan makes', async (t) => {
  const machine = buildVictim();
  const vmcore = machine.vmcore();
  const system = createMemorySystem(await createNodeSystem());
  const { loadSegments } = openElfMemory(openBytes(vmcore));
  const offsetOf = (physical: number) => {
    const { physicalAddress, fileOffset } = loadSegments.findLast((segment) => segment.physicalAddress <= physical)!;
    return physical - physicalAddress + fileOffset;
  };
  const { roots, sections, pageTables } = machine.tables;
  const structPages = machine.structPagePhysical(0);
  const places = [
    ...sample(structPages, structPages + classifiedPages * machine.structPageBytes, 7),
    ...sample(roots, roots + 16, 1),
    ...sample(sections, sections + 64, 1),
    ...sample(pageTables, pageTables + 3 * 4096, 97),
  ].map(offsetOf);
  const outcomeOf = (memoryLimitBytes: number, levels: readonly number[]): string => {
    system.reset(['vmcore']);
    try {
      const request = { ...defaults, codec: undefined, source: 'vmcore', outputs: ['dump'], levels, memoryLimitBytes };
      const { pages, warnings, complete } = dump(system, request, silentProgress);
      const hash = createHash('sha256').update(system.contents.get('dump')!).digest('hex');
      return JSON.stringify({ pages, warnings, complete, hash });
    } catch (error) {
      if (!(error instanceof KcaptureError)) throw error;
      return `${error.code} ${error.message} ${[...system.contents.keys()]}`;
    }
  };
  const outcomes = new Set<string>();
  for (const [index, place] of places.entries()) {
    const damaged = vmcore.slice();
    damaged[place] ^= index % 2 === 0 ? 0xff : 1 << (index % 8);
    system.contents.set('vmcore', damaged);
    const levels = [index % 5 === 0 ? 1 : 31];
    const expected = outcomeOf(noLimit, levels);
    outcomes.add(expected);
    for (const limit of [8, 24 + (index % 40)]) {
      const found = outcomeOf(limit, levels);
      if (found !== expected) t.fail(`byte ${place}, limit ${limit}: ${found}, expected ${expected}`);
    }
  }
  t.ok(outcomes.size > 20, `${outcomes.size} outcomes of ${places.length}`);
});

/** Every `step`th address. */
function sample(start: number, end: number, step: number): number[] {
  return Array.from({ length: Math.ceil((end - start) / step) }, (_, index) => start + index * step);
}
