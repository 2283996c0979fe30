/** Our dumps in the hands of other readers: libkdumpfile, drgn, makedumpfile, crash. Every page must come out as it went in. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Pfn } from '../../binary/units.ts';
import type { CodecName, PageCodec } from '../../compress/codec.ts';
import { buildDump, buildPlan, buildUtsname, feedPages } from '../../testing/build-dump.ts';
import { buildMachine, machineOf } from '../../testing/build-machine.ts';
import { buildMemMap } from '../../testing/build-mem-map.ts';
import { openBuilt } from '../../testing/open-built.ts';
import { readUtsname } from '../../address/utsname.ts';
import { physBase } from '../../address/phys-base.ts';

import { openBytes } from '../../testing/bytes-file.ts';
import { MemorySink } from '../../testing/memory-sink.ts';
import { compareBytes, makeFolder, runPython, runTool, SystemCodec } from '../../testing/other-tools.ts';
import { FlattenedSink } from '../flattened/flattened-sink.ts';
import { openKdumpMemory } from './reader.ts';
import { createKdumpWriter, type KdumpPlan } from './writer.ts';

const vmcoreinfo = `OSRELEASE=6.1.0-test
PAGESIZE=4096
SYMBOL(init_uts_ns)=ffffffff82a14a00
SYMBOL(swapper_pg_dir)=ffffffff82a10000
SYMBOL(_stext)=ffffffff81000000
NUMBER(phys_base)=0
NUMBER(pgtable_l5_enabled)=0
NUMBER(KERNEL_IMAGE_SIZE)=1073741824
KERNELOFFSET=0
CRASHTIME=1700000000
`;

const folder = makeFolder(t.teardown);
const machine = buildMachine({ vmcoreinfo });
const codecs = (['zlib', 'lzo', 'snappy', 'zstd'] as const).map((name) => new SystemCodec(name, machine));
/** Raw pages and all four codecs side by side. */
const mixed = (pfn: Pfn): PageCodec | undefined => codecs[(pfn % 5) - 1];
const plan: Partial<KdumpPlan> = { zeroPages: true, status: 0x20, utsname: buildUtsname(), crashTime: 1_700_000_000 };
const dump = buildDump(machine, { ...plan, codecOf: mixed });
writeFileSync(join(folder, 'dump'), dump);
writeFileSync(join(folder, 'flattened'), flattened());

function flattened(): Uint8Array {
  const stream = new MemorySink({ seekable: false });
  const sink = new FlattenedSink(stream);
  const whole = buildPlan(machine, plan);
  const writer = createKdumpWriter(sink, whole);
  feedPages(writer, machine, whole, mixed);
  writer.finish();
  sink.end();
  return stream.bytes;
}

const pages = createHash('sha256');
for (const { start, end } of machine.ranges) for (let pfn = start; pfn < end; pfn++) pages.update(machine.page(pfn));
const expected = pages.digest('hex');
const ranges = JSON.stringify(machine.ranges.map(({ start, end }) => [start, end]));

const libkdumpfileProgram = `
import hashlib, json, kdumpfile, sys
dump = kdumpfile.kdumpfile(sys.argv[1])
pages = hashlib.sha256()
for start, end in json.loads(sys.argv[2]):
    for pfn in range(start, end):
        pages.update(dump.read(kdumpfile.KDUMP_MACHPHYSADDR, pfn * 4096, 4096))
print(json.dumps({'pages': pages.hexdigest(), 'release': dump.attr['linux.uts.release'], 'machine': dump.attr['linux.uts.machine']}))
`;

const drgnProgram = `
import drgn, hashlib, json, sys
program = drgn.Program()
program.set_core_dump(sys.argv[1])
pages = hashlib.sha256()
for start, end in json.loads(sys.argv[2]):
    for pfn in range(start, end):
        pages.update(program.read(pfn * 4096, 4096, physical=True))
print(json.dumps({'pages': pages.hexdigest(), 'platform': program.platform.arch.name}))
`;

t.test('libkdumpfile reads every page of a dump with raw, zlib, lzo, snappy and zstd pages', (t) => {
  const answer = JSON.parse(runPython(libkdumpfileProgram, [join(folder, 'dump'), ranges]).toString());
  t.same(answer, { pages: expected, release: '6.1.0-test', machine: 'x86_64' });
  t.end();
});

t.test('drgn reads every page', (t) => {
  const answer = JSON.parse(runPython(drgnProgram, [join(folder, 'dump'), ranges]).toString());
  t.same(answer, { pages: expected, platform: 'X86_64' });
  t.end();
});

t.test('crash tells the release from the header', (t) => {
  for (const name of ['dump', 'flattened'])
    t.match(runTool('crash', ['--osrelease', join(folder, name)]).toString(), /^6\.1\.0-test$/m, name);
  t.end();
});

t.test('our reader reads it too', (t) => {
  const memory = openKdumpMemory([openBytes(dump)], (name: CodecName) => codecs.find((codec) => codec.name === name)!);
  const hash = createHash('sha256');
  const page = new Uint8Array(4096);
  for (const { start, end } of memory.ranges) {
    for (let pfn = start; pfn < end; pfn++) {
      memory.read(pfn * 4096, page);
      hash.update(page);
    }
  }
  t.equal(hash.digest('hex'), expected);
  t.ok(Object.entries(memory.countStored()).every(([kind, count]) => kind === 'lost' || count > 0));
  t.end();
});

t.test('makedumpfile filters our dump as it filters the vmcore', (t) => {
  const vmcore = buildMemMap('0x0-0xff free order 3; 0x100-0x1ff anon; 0x200-0x2ff cache; 0x300-0x3ff kernel', { era: '5.10' }).vmcore();
  const { memory, info, virtual } = openBuilt(vmcore);
  writeFileSync(join(folder, 'vmcore'), vmcore);
  const unfiltered = buildDump(machineOf(memory), {
    utsname: readUtsname(info, virtual),
    physBase: physBase(memory, info),
    crashTime: Number(info.plain('CRASHTIME')),
  });
  writeFileSync(join(folder, 'ours'), unfiltered);
  runTool('makedumpfile', ['-d', '31', 'vmcore', 'direct'], { cwd: folder });
  runTool('makedumpfile', ['-d', '31', 'ours', 'again'], { cwd: folder });
  runTool('makedumpfile', ['-d', '0', 'vmcore', 'all'], { cwd: folder });
  t.equal(compareBytes(unfiltered, readFileSync(join(folder, 'all'))), 'same', 'unfiltered');
  t.equal(compareBytes(readFileSync(join(folder, 'again')), readFileSync(join(folder, 'direct'))), 'same', 'filtered again');
  t.end();
});
