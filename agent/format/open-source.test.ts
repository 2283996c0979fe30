import t from 'tap';
import { buildDump, buildUtsname } from '../testing/build-dump.ts';
import { buildElfCore, buildMachine } from '../testing/build-machine.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { MemorySink } from '../testing/memory-sink.ts';
import { NodeZlibCodec } from '../testing/node-zlib-codec.ts';
import { FlattenedSink } from './flattened/flattened-sink.ts';
import { planSplit } from './kdump/split.ts';
import { asKdump, openSource } from './open-source.ts';

const machine = buildMachine({ vmcoreinfo: 'OSRELEASE=6.1.0-test\nPAGESIZE=4096\n' });
const elf = buildElfCore(machine);
const kdump = buildDump(machine, { utsname: buildUtsname() });

function flatten(bytes: Uint8Array): Uint8Array {
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  sink.write(0, bytes.subarray(0, 5000));
  sink.write(5000, bytes.subarray(5000));
  sink.end();
  return stream.bytes;
}

function open(...files: Uint8Array[]) {
  return openSource(
    files.map((bytes) => openBytes(bytes, 'vmcore')),
    () => new NodeZlibCodec(),
  );
}

t.test('every kind of dump gives the same memory', (t) => {
  const parts = planSplit(machine.existing, 2).map(({ start, end }) =>
    buildDump(machine, { utsname: buildUtsname(), split: { startPfn: start, endPfn: end } }),
  );
  const sources = {
    elf: open(elf),
    kdump: open(kdump),
    'flattened ELF': open(flatten(elf)),
    'flattened kdump': open(flatten(kdump)),
    'split set': open(...parts),
    'split set, one part flattened': open(parts[0], flatten(parts[1])),
  };
  const bytes = new Uint8Array(3 * 4096);
  for (const [name, memory] of Object.entries(sources)) {
    t.same(memory.ranges, machine.ranges, name);
    t.equal(memory.vmcoreinfoText, 'OSRELEASE=6.1.0-test\nPAGESIZE=4096\n');
    t.same(memory.notes, machine.notes);
    t.equal(memory.machine, 'x86_64');
    memory.read(300 * 4096, bytes);
    t.same(bytes, Buffer.concat([300, 301, 302].map((pfn) => machine.page(pfn))));
    t.equal(asKdump(memory)?.keptPages, name.includes('elf') || name.includes('ELF') ? undefined : machine.existing.count());
    memory.close();
  }
  t.equal(sources['flattened kdump'].kind, 'flattened');
  t.end();
});

t.test('what is no dump is called by its name', (t) => {
  const text = (value: string) => new TextEncoder().encode(value);
  const cases: readonly [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /an empty file/],
    [Uint8Array.of(0x1f, 0x8b, 8, 0), /a gzip file/],
    [text('PK\x03\x04rest'), /a zip archive/],
    [Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0), /an xz file/],
    [Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 1), /a zstd file/],
    [text('BZh91AY'), /a bzip2 file/],
    [text('Linux version 6.1\n'), /a text file/],
    [new Uint8Array(10000), /zeros/],
    [Uint8Array.of(0x4b, 0x44, 0x55, 0x4d, 0x50, 0, 0, 0, 1), /unknown kind/],
  ];
  for (const [bytes, message] of cases) t.throws(() => open(bytes), { code: 'format/not-a-dump', message });
  t.throws(() => open(flatten(text('x'.repeat(6000)))), { code: 'format/not-a-dump', message: /text file/ });
  t.throws(() => open(flatten(flatten(kdump))), { code: 'format/unsupported' });
  t.throws(() => open(elf, elf), { code: 'format/unsupported' });
  t.throws(() => open(kdump, kdump), { code: 'format/corrupt' });
  t.end();
});

t.test('a cut dump is read as far as it goes only when asked', (t) => {
  const codec = () => new NodeZlibCodec();
  for (const bytes of [kdump, flatten(kdump)]) {
    const cut = bytes.subarray(0, Math.floor(bytes.length / 2));
    t.throws(() => open(cut), { code: 'format/incomplete' });
    const memory = openSource([openBytes(cut)], codec, { salvage: true });
    const page = new Uint8Array(4096);
    memory.read(4096, page);
    t.same(page, machine.page(1));
    t.equal(memory.contiguousBytes(0x10122 * 4096), 0);
    t.equal(asKdump(memory)?.incomplete, true);
  }
  t.end();
});

t.test('the files are closed with the memory, and when there is none', (t) => {
  let closed = 0;
  const counting = (bytes: Uint8Array) => ({ ...openBytes(bytes), close: () => void closed++ });
  t.throws(() => openSource([counting(new Uint8Array(9))], () => new NodeZlibCodec()));
  t.equal(closed, 1);
  openSource([counting(kdump)], () => new NodeZlibCodec()).close();
  t.equal(closed, 2);
  t.end();
});
