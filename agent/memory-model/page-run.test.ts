import t from 'tap';
import { buildMemMap, type MemMapMachine, type MemMapOptions } from '../testing/build-mem-map.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { openBuilt } from '../testing/open-built.ts';
import { openMemMap } from './mem-map.ts';
import { pageLayout } from './page-layout.ts';
import { StructPageReader } from './page-run.ts';

/** Marks every struct page with its number, so that one read from the wrong place shows. */
function numbered(words: string, options: MemMapOptions): MemMapMachine {
  const machine = buildMemMap(words, options);
  for (let pfn = 0; pfn < machine.endPfn; pfn++) {
    const view = machine.structPage(pfn);
    for (let at = 0; at + 4 <= view.byteLength; at += 4) view.setInt32(at, pfn * 1000 + at, true);
  }
  return machine;
}

type Reading = { wrong: number; unreadable: number[]; batchEnds: number[] };

function readAll(vmcore: Uint8Array, structPageBytes: number): Reading {
  const kernel = openBuilt(vmcore);
  const memMap = openMemMap({ ...kernel, layout: pageLayout(kernel.info) });
  const reader = new StructPageReader(kernel.memory, kernel.virtual, structPageBytes, new Uint8Array(256 * 1024));
  const reading: Reading = { wrong: 0, unreadable: [], batchEnds: [] };
  for (const block of memMap.blocks) {
    for (let pfn = block.startPfn; pfn < block.endPfn; ) {
      const end = reader.read(block, pfn, block.endPfn);
      if (end <= pfn || end > block.endPfn) throw new Error(`A run from ${pfn} to ${end}`);
      for (let page = pfn; page < end; page++) {
        if (reader.first < 0) reading.unreadable.push(page);
        else reading.wrong += wrongWords(reader, page, pfn, structPageBytes);
      }
      reading.batchEnds.push(end);
      pfn = end;
    }
  }
  reader.close();
  return reading;
}

function wrongWords(reader: StructPageReader, page: number, first: number, structPageBytes: number): number {
  let wrong = 0;
  const { buffer, byteOffset } = reader.bytes;
  const record = new DataView(buffer, byteOffset + reader.first + (page - first) * structPageBytes, structPageBytes);
  for (let at = 0; at + 4 <= structPageBytes; at += 4) {
    if (record.getInt32(at, true) !== page * 1000 + at) wrong++;
  }
  return wrong;
}

const layouts: [name: string, options: MemMapOptions][] = [
  ['blocks of 2 MiB', {}],
  ['single pages in no order', { mapping: 'pages' }],
  ['single pages, struct pages of 56 bytes that straddle them', { mapping: 'pages', structPageBytes: 56, era: '3.10' }],
  ['single pages, struct pages of 72 bytes', { mapping: 'pages', structPageBytes: 72 }],
  ['an array a section', { model: 'extreme', sectionBits: 21 }],
  ['one array', { model: 'flat' }],
];

for (const [name, options] of layouts) {
  t.test(`StructPageReader reads struct pages mapped by ${name}`, (t) => {
    const machine = numbered('0x0-0x9ff kernel', options);
    const reading = readAll(machine.vmcore(), machine.structPageBytes);
    t.equal(reading.wrong, 0);
    t.same(reading.unreadable, []);
    const inside = reading.batchEnds.filter((end) => end % 512 !== 0 && end < machine.endPfn);
    t.same(inside, [], 'no run parts a head from its tail');
    t.end();
  });

  t.test(`StructPageReader reads them from a file whose data is at odd places: ${name}`, (t) => {
    const machine = numbered('0x0-0x3ff kernel', options);
    const vmcore = buildVmcore({ segments: machine.image().segments(), vmcoreinfo: machine.vmcoreinfo(), alignBytes: 1 });
    t.equal(readAll(vmcore, machine.structPageBytes).wrong, 0);
    t.end();
  });
}

for (const structPageBytes of [64, 56]) {
  t.test(`struct pages of ${structPageBytes} bytes that are not in the file are told, their neighbours are read`, (t) => {
    const machine = numbered('0x0-0x7ff kernel', { mapping: 'pages', structPageBytes, era: '3.10' });
    const gone = Math.floor(machine.structPagePhysical(700) / 4096);
    const segments = machine.image().segments();
    const cut = segments.flatMap(({ physicalAddress, data }) => {
      const at = gone * 4096 - physicalAddress;
      if (at < 0 || at >= data.length) return [{ physicalAddress, data }];
      return [
        { physicalAddress, data: data.subarray(0, at) },
        { physicalAddress: physicalAddress + at + 4096, data: data.subarray(at + 4096) },
      ];
    });
    const reading = readAll(buildVmcore({ segments: cut, vmcoreinfo: machine.vmcoreinfo() }), structPageBytes);
    const pageOf = (pfn: number) => [pfn * structPageBytes, (pfn + 1) * structPageBytes - 1].map((byte) => Math.floor(byte / 4096));
    const lost = Math.floor((700 * structPageBytes) / 4096);
    const expected = Array.from({ length: machine.endPfn }, (_, pfn) => pfn).filter((pfn) => pageOf(pfn).includes(lost));
    t.same(reading.unreadable, expected);
    t.equal(reading.wrong, 0);
    t.end();
  });
}
