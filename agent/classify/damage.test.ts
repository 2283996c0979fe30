/** Damaged memory models: an error that says so, or a dump that keeps more; never a crash, never a hang. */
import t, { type Test } from 'tap';
import { KcaptureError } from '../errors.ts';
import { buildMemMap, type MemMapMachine, type MemMapOptions } from '../testing/build-mem-map.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { openBuilt } from '../testing/open-built.ts';
import { type ScanResult, scanPages } from './scan.ts';

const words =
  '0x0-0x1f free order 3; 0x20-0x2f anon; 0x30-0x37 cache; 0x38-0x3f kernel; 0x40-0x4f anon order 4; 0x50-0x5f slab order 2; ' +
  '0x60-0x67 hugetlb order 3; 0x68 kernel hwpoison; 0x70-0x7f kernel order 4; 0x80-0x17f kernel; 0x180-0x1ff free order 2';

/** The scan, or the code of the error that refused it. Anything but our own errors fails the test. */
function outcome(vmcore: Uint8Array): ScanResult | string {
  try {
    return scanPages({ ...openBuilt(vmcore), level: 31 });
  } catch (error) {
    if (error instanceof KcaptureError) return error.code;
    throw error;
  }
}

/** Pages that the damaged machine drops and the sound one keeps. */
function wronglyDropped(sound: ScanResult, damaged: ScanResult): number {
  let wrong = 0;
  for (let pfn = 0; pfn < sound.kept.sizeBits; pfn++) if (sound.kept.has(pfn) && !damaged.kept.has(pfn)) wrong++;
  return wrong;
}

/** Where physical memory lies in the built file. */
function fileOffset(vmcore: Uint8Array, physical: number): number {
  const segment = openBuilt(vmcore).memory.loadSegments.find(
    ({ physicalAddress, fileBytes }) => physical >= physicalAddress && physical < physicalAddress + fileBytes,
  )!;
  return segment.fileOffset + physical - segment.physicalAddress;
}

/** Damages one byte after the other, and puts it back. */
function flipAll(vmcore: Uint8Array, offset: number, bytes: number, patterns: readonly number[], look: (at: number) => void): void {
  for (let at = offset; at < offset + bytes; at++) {
    for (const pattern of patterns) {
      vmcore[at] ^= pattern;
      look(at);
      vmcore[at] ^= pattern;
    }
  }
}

for (const era of ['3.10', '5.10', '6.7', '7.2'] as const) {
  t.test(`every byte of every struct page flipped, Linux ${era}`, (t) => {
    const machine = buildMemMap(words, { era });
    const vmcore = machine.vmcore();
    let refused = 0;
    flipAll(vmcore, fileOffset(vmcore, machine.structPagePhysical(0)), 0x80 * 64, [0xff], () => {
      if (typeof outcome(vmcore) === 'string') refused++;
    });
    t.equal(refused, 0, 'one damaged struct page spoils no dump');
    t.end();
  });
}

const models: [name: string, options: MemMapOptions][] = [
  ['vmemmap', {}],
  ['vmemmap through a pointer', { rootsThroughPointer: true }],
  ['SPARSEMEM_EXTREME with an array a section', { model: 'extreme', sectionBits: 20 }],
  ['SPARSEMEM', { model: 'sparse', sectionBits: 20 }],
];

for (const [name, options] of models) {
  t.test(`every byte of the section tables flipped: ${name}`, (t) => {
    const machine = buildMemMap(words, options);
    const vmcore = machine.vmcore();
    const { roots, sections, data } = machine.tables;
    const sound = outcome(vmcore) as ScanResult;
    for (const [physical, bytes] of [
      [roots, 16],
      [sections, 64],
      [data + 0x800, 8],
    ]) {
      flipAll(vmcore, fileOffset(vmcore, physical), bytes, [0xff, 0x01, 0x80], (at) => {
        const result = outcome(vmcore);
        if (typeof result === 'string') return;
        const wrong = wronglyDropped(sound, result);
        if (wrong > 0) t.fail(`byte ${at}: ${wrong} pages dropped that a sound machine keeps`);
      });
    }
    t.pass();
    t.end();
  });

  t.test(`tables that lead to themselves and to each other: ${name}`, (t) => {
    const machine = buildMemMap(words, options);
    const { roots, sections, data, pageTables } = machine.tables;
    const targets = [roots, sections, data, pageTables, 0].flatMap((physical) =>
      [0xffff888000000000n, 0xffffffff80000000n].map((base) => base + BigInt(physical)),
    );
    for (const target of targets) {
      for (const place of [roots, sections, data + 0x800]) expectOutcome(t, machine, place, target | (place === sections ? 0xfn : 0n));
    }
    t.pass();
    t.end();
  });
}

function expectOutcome(t: Test, machine: MemMapMachine, place: number, value: bigint): void {
  const image = machine.image();
  image.writeU64(place, value);
  const result = outcome(buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() }));
  if (typeof result === 'string' && result !== 'memory-model/unreadable') t.fail(`${result} for ${value.toString(16)} at ${place}`);
}

t.test('every byte of the page tables flipped', (t) => {
  const machine = buildMemMap(words, { mapping: 'pages' });
  const vmcore = machine.vmcore();
  const start = fileOffset(vmcore, machine.tables.pageTables);
  const used = Array.from({ length: 12 * 4096 }, (_, at) => start + at).filter((at) => vmcore[at] !== 0);
  let refused = 0;
  for (const at of used) flipAll(vmcore, at, 1, [0xff], () => typeof outcome(vmcore) === 'string' && refused++);
  t.ok(refused < used.length, 'some damage is survived');
  t.end();
});

t.test('page tables that lead to themselves', (t) => {
  for (const entry of [0, 8, 4095 - 7]) {
    const machine = buildMemMap(words);
    const image = machine.image();
    for (let table = 0; table < 8; table++)
      image.writeU64(machine.tables.pageTables + table * 4096 + entry, BigInt(machine.tables.pageTables) | 0x63n);
    outcome(buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() }));
  }
  t.pass();
  t.end();
});

t.test('numbers of VMCOREINFO that cannot be', (t) => {
  const lines = buildMemMap(words, { era: '6.4' }).vmcoreinfo().trim().split('\n');
  const keys = lines.map((line) => line.slice(0, line.indexOf('='))).filter((key) => key.includes('('));
  for (const key of keys) {
    for (const value of [
      '0',
      '1',
      '3',
      '-1',
      '63',
      '64',
      '255',
      '4096',
      '2147483648',
      '4294967296',
      '9223372036854775807',
      '-9223372036854775808',
      '99999999999999999999',
      'x',
      '',
    ]) {
      outcome(buildMemMap(words, { era: '6.4', vmcoreinfo: { [key]: value } }).vmcore());
    }
  }
  t.pass(`${keys.length} keys`);
  t.end();
});

t.test('a vmcore that ends early keeps what can be told', (t) => {
  const machine = buildMemMap(words, { mapping: 'pages' });
  const sound = outcome(machine.vmcore()) as ScanResult;
  for (let pages = 1; pages < machine.endPfn; pages += 5) {
    const segments = machine.image().segments();
    const cut = segments.map((segment) => ({ ...segment, data: segment.data.subarray(0, pages * 4096), memoryBytes: segment.data.length }));
    const result = outcome(buildVmcore({ segments: cut, vmcoreinfo: machine.vmcoreinfo() }));
    if (typeof result === 'string') continue;
    for (let pfn = 0; pfn < pages; pfn++) if (sound.kept.has(pfn) && !result.kept.has(pfn)) t.fail(`${pages} pages: ${pfn} is dropped`);
  }
  t.pass();
  t.end();
});
