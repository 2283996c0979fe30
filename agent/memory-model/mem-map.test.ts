import t, { type Test } from 'tap';
import { buildMemMap, type MemMapMachine, type MemMapOptions } from '../testing/build-mem-map.ts';
import { buildVmcore } from '../testing/build-vmcore.ts';
import { openBuilt } from '../testing/open-built.ts';
import { type MemMap, openMemMap } from './mem-map.ts';
import { pageLayout } from './page-layout.ts';

const words = '0x0-0xff kernel; 0x100-0x1ff hole; 0x200-0x3ff kernel; 0x400-0x7ff hole; 0x800-0x9ff kernel';

function open(vmcore: Uint8Array): MemMap {
  const kernel = openBuilt(vmcore);
  return openMemMap({ ...kernel, layout: pageLayout(kernel.info) });
}

/** The struct page of every existing page frame is where the machine has it. */
function checkAddresses(t: Test, machine: MemMapMachine, memMap: MemMap): void {
  const { memory } = openBuilt(machine.vmcore());
  for (const { start, end } of memory.ranges) {
    for (let pfn = start; pfn < end; pfn += 37) {
      const block = memMap.blocks.find(({ startPfn, endPfn }) => pfn >= startPfn && pfn < endPfn)!;
      const address = block.structPages + BigInt((pfn - block.startPfn) * machine.structPageBytes);
      if (address !== machine.structPageAddress(pfn)) t.fail(`page frame ${pfn} at ${address.toString(16)}`);
    }
  }
  t.pass();
}

const models: [name: string, options: MemMapOptions, model: string, blocks: number][] = [
  ['vmemmap', { model: 'vmemmap' }, 'sparsemem-extreme', 1],
  ['vmemmap with sections that are all hole', { model: 'vmemmap', sectionBits: 22 }, 'sparsemem-extreme', 2],
  ['vmemmap through a pointer', { model: 'vmemmap', rootsThroughPointer: true, sectionBits: 20 }, 'sparsemem-extreme', 3],
  ['SPARSEMEM_EXTREME, an array a section', { model: 'extreme', sectionBits: 20 }, 'sparsemem-extreme', 0],
  ['SPARSEMEM_EXTREME through a pointer', { model: 'extreme', rootsThroughPointer: true, sectionBits: 20 }, 'sparsemem-extreme', 0],
  ['SPARSEMEM', { model: 'sparse', sectionBits: 21 }, 'sparsemem', 0],
  ['FLATMEM', { model: 'flat' }, 'flatmem', 1],
];

for (const [name, options, model, blocks] of models) {
  t.test(`openMemMap() finds the struct pages of ${name}`, (t) => {
    const machine = buildMemMap(words, options);
    const memMap = open(machine.vmcore());
    t.equal(memMap.model, model);
    t.same(memMap.warnings, []);
    if (blocks > 0) t.equal(memMap.blocks.length, blocks);
    else t.ok(memMap.blocks.length > 3);
    checkAddresses(t, machine, memMap);
    t.end();
  });
}

t.test('all six flags of section_mem_map are taken off', (t) => {
  const machine = buildMemMap(words);
  for (let flags = 1; flags < 64; flags += 2) {
    const image = machine.image();
    image.writeU64(machine.tables.sections, (machine.structPageAddress(0) & ~0x3fn) | BigInt(flags));
    const vmcore = buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() });
    t.equal(open(vmcore).blocks[0].structPages, machine.structPageAddress(0));
  }
  t.end();
});

t.test('a section that is not marked present has no struct pages', (t) => {
  const machine = buildMemMap(words);
  const image = machine.image();
  image.writeU64(machine.tables.sections, machine.structPageAddress(0) | 0xen);
  const vmcore = buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() });
  t.throws(() => open(vmcore), { code: 'memory-model/unreadable', hint: /-d 1 or -d 0/ });
  t.end();
});

t.test('a damaged section keeps its pages out of the blocks and is told', (t) => {
  const machine = buildMemMap(words, { sectionBits: 20 });
  for (const damage of [0x1n, 0xfn, 0x123456789abcdeffn, 0xffffc9000000000fn]) {
    const image = machine.image();
    image.writeU64(machine.tables.sections + 3 * 16, damage);
    const memMap = open(buildVmcore({ segments: image.segments(), vmcoreinfo: machine.vmcoreinfo() }));
    t.same(memMap.warnings, ['1 memory sections lead to no struct pages (0x3); all their pages are kept']);
    t.notOk(memMap.blocks.some(({ startPfn, endPfn }) => endPfn > 0x300 && startPfn < 0x400));
  }
  t.end();
});

const unreadable: [name: string, options: MemMapOptions][] = [
  ['no symbol', { vmcoreinfo: { 'SYMBOL(mem_section)': undefined } }],
  ['a symbol of user space', { vmcoreinfo: { 'SYMBOL(mem_section)': '1000' } }],
  ['a symbol that is not mapped', { vmcoreinfo: { 'SYMBOL(mem_section)': 'ffffffffc0000000' } }],
  ['a symbol at the end of memory', { vmcoreinfo: { 'SYMBOL(mem_section)': 'ffffffffffffffff' } }],
  ['no section size', { vmcoreinfo: { 'SIZE(mem_section)': undefined } }],
  ['a section of no bytes', { vmcoreinfo: { 'SIZE(mem_section)': '0' } }],
  ['a section larger than a page', { vmcoreinfo: { 'SIZE(mem_section)': '8192' } }],
  ['section_mem_map behind the section', { vmcoreinfo: { 'OFFSET(mem_section.section_mem_map)': '16' } }],
  ['sections of one byte', { vmcoreinfo: { 'NUMBER(SECTION_SIZE_BITS)': '0' } }],
  ['more physical memory than there can be', { vmcoreinfo: { 'NUMBER(MAX_PHYSMEM_BITS)': '64' } }],
  ['less physical memory than a section', { vmcoreinfo: { 'NUMBER(MAX_PHYSMEM_BITS)': '27' } }],
  ['FLATMEM whose pointer is not mapped', { model: 'flat', vmcoreinfo: { 'SYMBOL(mem_map)': 'ffffffffc0000000' } }],
  ['FLATMEM that leads to user space', { model: 'flat', vmcoreinfo: { 'SYMBOL(mem_map)': 'ffffffff80000000' } }],
];

for (const [name, options] of unreadable) {
  t.test(`${name}: refused, with the way to a dump`, (t) => {
    t.throws(() => open(buildMemMap(words, options).vmcore()), { code: 'memory-model/unreadable', hint: /-d 1 or -d 0/ });
    t.end();
  });
}

t.test('DISCONTIGMEM is refused by name', (t) => {
  const vmcoreinfo = { 'SYMBOL(mem_map)': undefined, 'OFFSET(pglist_data.node_mem_map)': '16' };
  t.throws(() => open(buildMemMap(words, { model: 'flat', vmcoreinfo }).vmcore()), { code: 'memory-model/unsupported' });
  t.end();
});

t.test('kernels that do not export the size of a section have the usual one', (t) => {
  const vmcoreinfo = { 'NUMBER(SECTION_SIZE_BITS)': undefined, 'NUMBER(MAX_PHYSMEM_BITS)': undefined, 'LENGTH(mem_section)': '2048' };
  const machine = buildMemMap(words, { era: '4.14', vmcoreinfo });
  checkAddresses(t, machine, open(machine.vmcore()));
  t.end();
});
