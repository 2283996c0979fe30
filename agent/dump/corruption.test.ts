/**
 * Every byte that a reader believes changed, every length cut, and whole commands run on the result: each ends with an answer or a
 * clear error, and a dump that claims success is what its source is.
 */
import t from 'tap';
import { openBytes } from '../testing/bytes-file.ts';
import { DamageReport, everyBit, oneBit, oneBitAndAll, type Region, sparsely, usedWords } from '../testing/damage.ts';
import { buildLogVictims, buildVictim, classifiedPages, makeFiles } from '../testing/hostile-inputs.ts';
import { outName } from '../testing/hostile-run.ts';
import { createMemorySystem, type MemorySystem } from '../testing/memory-system.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { elfHeader, programHeader } from '../vmcore/elf-layout.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';

const dump31 = ['dump', '-q', '--compress', 'none', '-d', '31', '$', outName];
const dump1 = ['dump', '-q', '--compress', 'none', '-d', '1', '$', outName];
const dumpElf = ['dump', '-q', '-E', '-d', '31', '$', outName];
const inspect = ['inspect', '$'];
const dmesg = ['dmesg', '$', outName];
const vtop = ['vtop', '0xffffffff80200000', '$'];
const rearrange = ['rearrange', '$', outName];

const machine = buildVictim();
const vmcore = machine.vmcore();
const { loadSegments, notes } = openElfMemory(openBytes(vmcore));
const headEnd = elfHeader.sizeBytes + (loadSegments.length + 1) * programHeader.sizeBytes;
const notesEnd = headEnd + notes.length;

let system: MemorySystem;
t.before(async () => {
  system = createMemorySystem(await createNodeSystem());
});

/** Where physical memory lies in the vmcore. */
function placed(physical: number, length: number): Region {
  const segment = loadSegments.find(({ physicalAddress: start, fileBytes }) => physical >= start && physical < start + fileBytes)!;
  const start = physical - segment.physicalAddress + segment.fileOffset;
  return { start, end: start + length };
}

t.test('every bit of the ELF header and the program headers of a vmcore', async (t) => {
  const report = new DamageReport(system);
  const head = [{ start: 0, end: headEnd }];
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump31, dump1, inspect, vtop] }, head, everyBit);
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dumpElf] }, head, oneBitAndAll);
  report.tell(t);
});

t.test('every byte of the notes and of VMCOREINFO', async (t) => {
  const report = new DamageReport(system);
  const region = [{ start: headEnd, end: notesEnd }];
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump31] }, region, oneBitAndAll);
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump1, inspect, vtop] }, region, oneBit);
  report.tell(t);
});

t.test('every byte of page tables and memory sections', async (t) => {
  const report = new DamageReport(system);
  const { roots, sections, pageTables, data } = machine.tables;
  const places = [
    placed(data - 4096, 4096),
    placed(data, 4096),
    placed(roots, sections - roots),
    placed(sections, 4096),
    placed(pageTables, 12 * 4096),
  ];
  const words = places.flatMap((region) => usedWords(vmcore, region));
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump31] }, words, oneBitAndAll);
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump1, vtop] }, words, oneBit);
  report.tell(t);
});

t.test('every byte of the struct pages', async (t) => {
  const report = new DamageReport(system);
  const region = placed(machine.structPagePhysical(0), classifiedPages * machine.structPageBytes);
  await report.flip({ name: 'vmcore', bytes: vmcore, commands: [dump31] }, [region], oneBitAndAll);
  report.tell(t);
});

t.test('a vmcore cut at every length', async (t) => {
  const report = new DamageReport(system);
  await report.cut({ name: 'vmcore', bytes: vmcore, commands: [dump31, inspect, vtop] }, notesEnd + 16, 499);
  report.tell(t);
});

for (const [kind, log] of Object.entries(buildLogVictims())) {
  t.test(`every byte of a vmcore with a ${kind} log, and every length`, async (t) => {
    const report = new DamageReport(system);
    const memory = openElfMemory(openBytes(log));
    const end = elfHeader.sizeBytes + (memory.loadSegments.length + 1) * programHeader.sizeBytes + memory.notes.length;
    const [{ fileOffset }] = memory.loadSegments;
    const tables = usedWords(log, { start: fileOffset + 0x1000, end: fileOffset + 0x3100 });
    const words = [...tables, ...usedWords(log, { start: fileOffset + 0x4000, end: log.length })];
    await report.flip({ name: kind, bytes: log, commands: [dmesg] }, [{ start: 0, end }, ...words], oneBitAndAll);
    await report.flip({ name: kind, bytes: log, commands: [inspect] }, words, oneBit);
    await report.cut({ name: kind, bytes: log, commands: [dmesg, inspect] }, end, 97);
    report.tell(t);
  });
}

/** Where the parts of a kdump-compressed dump lie: both headers; bitmaps and descriptors; data. */
function kdumpRegions(dump: Uint8Array, pages: number): { heads: Region[]; tables: Region[]; data: Region } {
  const view = new DataView(dump.buffer, dump.byteOffset);
  const bitmaps = (1 + view.getInt32(432, true)) * 4096;
  const descriptors = bitmaps + view.getInt32(436, true) * 4096;
  const data = descriptors + pages * 24;
  return {
    heads: [
      { start: 0, end: 464 },
      { start: 4096, end: 4096 + 104 },
    ],
    tables: [...usedWords(dump, { start: bitmaps, end: descriptors }), { start: descriptors, end: data }],
    data: { start: data, end: dump.length },
  };
}

/** How many pages level 1 keeps: all but those that are broken. */
const keptPages = vmcore.length / 4096;

t.test('every byte of a kdump-compressed dump that a reader believes, and every length', async (t) => {
  const report = new DamageReport(system);
  const { [outName]: bytes } = await makeFiles(system, { vmcore }, 'dump', '-q', '-c', '-d', '1', 'vmcore', outName);
  const { heads, tables, data } = kdumpRegions(bytes, Math.floor(keptPages));
  await report.flip({ name: 'kdump', bytes, commands: [dump31, inspect] }, heads, oneBitAndAll);
  await report.flip({ name: 'kdump', bytes, commands: [dump31, inspect] }, tables, oneBit);
  await report.flip({ name: 'kdump', bytes, commands: [inspect] }, [{ start: 4200, end: 4200 + notes.length }], sparsely(3, oneBit));
  await report.flip({ name: 'kdump', bytes, commands: [dump1] }, [data], sparsely(11, oneBit));
  await report.cut({ name: 'kdump', bytes, commands: [dump31, inspect] }, 4300, 61);
  report.tell(t);
});

t.test('every byte of an ELF dump that a reader believes, and every length', async (t) => {
  const report = new DamageReport(system);
  const { [outName]: bytes } = await makeFiles(system, { vmcore }, 'dump', '-q', '-E', '-d', '1', 'vmcore', outName);
  await report.flip({ name: 'elf', bytes, commands: [dump31, inspect] }, [{ start: 0, end: headEnd }], oneBitAndAll);
  await report.cut({ name: 'elf', bytes, commands: [dump31, inspect] }, headEnd, 997);
  report.tell(t);
});

t.test('every byte of a flattened dump that a reader believes, and every length', async (t) => {
  const report = new DamageReport(system);
  const { [outName]: bytes } = await makeFiles(system, { vmcore }, 'dump', '-q', '-c', '-F', '-d', '1', 'vmcore', outName);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: Region[] = [{ start: 0, end: 48 }];
  for (let at = 4096; at < bytes.length; at += 16 + Math.max(0, Number(view.getBigInt64(at + 8))))
    records.push({ start: at, end: at + 16 });
  await report.flip({ name: 'flat', bytes, commands: [dump31, inspect, rearrange] }, records, everyBit);
  const { heads } = kdumpRegions(bytes.subarray(4112), 0);
  const inner = heads.map(({ start, end }) => ({ start: 4112 + start, end: 4112 + end }));
  await report.flip({ name: 'flat', bytes, commands: [dump31, inspect] }, inner, oneBitAndAll);
  await report.cut({ name: 'flat', bytes, commands: [dump31, inspect, rearrange] }, 4200, 83);
  report.tell(t);
});

t.test('every byte of a part of a split set that a reader believes, and every length', async (t) => {
  const report = new DamageReport(system);
  const { a, b } = await makeFiles(system, { vmcore }, 'dump', '-q', '-c', '-d', '1', '--split', 'vmcore', 'a', 'b');
  const victim = { name: 'a', bytes: a, commands: [['reassemble', '$', 'b', outName]], others: { b } };
  const { heads, tables } = kdumpRegions(a, Math.floor(keptPages / 2));
  await report.flip(victim, [...heads, ...tables], oneBitAndAll);
  await report.flip({ ...victim, commands: [inspect, dump31] }, heads, oneBit);
  await report.cut(victim, 4300, 61);
  report.tell(t);
});
