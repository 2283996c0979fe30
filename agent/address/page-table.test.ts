import t from 'tap';
import { buildPageTable } from '../testing/build-page-table.ts';
import { type BuiltSegment, buildVmcore, PhysicalImage } from '../testing/build-vmcore.ts';
import { buildVmcoreinfo } from '../testing/build-vmcoreinfo.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import { openTranslator } from './open-translator.ts';
import { physBase } from './phys-base.ts';
import type { Translator } from './translator.ts';

const imageStart = 0xffffffff80000000n;
const linear = 0xffff888000000000n;
const root = 0x10000;
const format = { machine: 'x86_64', levels: 4 } as const;
const numbers = { phys_base: 0, pgtable_l5_enabled: 0 };
const symbols = { swapper_pg_dir: imageStart + BigInt(root) };
const goodInfo = buildVmcoreinfo({ plain: { OSRELEASE: '6.1' }, symbols, numbers });

function openImage(segments: readonly BuiltSegment[], vmcoreinfo = goodInfo): { memory: PhysicalMemory; translator: Translator } {
  const memory = openElfMemory(openBytes(buildVmcore({ segments, vmcoreinfo })));
  return { memory, translator: openTranslator(memory, parseVmcoreinfo(vmcoreinfo)) };
}

t.test('a table that leads to itself ends after as many levels as there are', (t) => {
  const image = new PhysicalImage();
  for (let i = 0; i < 512; i++) image.writeU64(root + i * 8, BigInt(root) | 0x63n);
  const { translator } = openImage(image.segments());
  t.same(translator.translate(linear), { physical: root, contiguousBytes: 4096 });
  t.same(translator.translate(2n ** 64n - 1n), { physical: root + 4095, contiguousBytes: 1 });
  t.end();
});

t.test('a table outside the vmcore is an error that tells where it should be', (t) => {
  const image = new PhysicalImage();
  image.writeU64(root + Number((linear >> 39n) % 512n) * 8, 0x7777000n | 0x63n);
  const { translator } = openImage(image.segments());
  t.throws(() => translator.translate(linear), { code: 'address/bad-table', message: /0x7777000 is not in the file/ });
  t.equal(translator.translate(imageStart), undefined, 'other addresses are not concerned');
  t.end();
});

t.test('the linear map stands in for a table that is not in the vmcore, and for nothing else', (t) => {
  const image = new PhysicalImage();
  image.writeU64(root + Number((linear >> 39n) % 512n) * 8, 0x7777000n | 0x63n);
  image.page(0x20);
  const { translator } = openImage(image.segments((physical) => linear + BigInt(physical)));
  t.same(translator.translate(linear + 0x20010n), { physical: 0x20010, contiguousBytes: 0xff0 });
  t.throws(() => translator.translate(linear + 0x30000n), { code: 'address/bad-table' }, 'no PT_LOAD has this address');
  const mapped = new PhysicalImage();
  mapped.page(0x20);
  buildPageTable(mapped, { format, root, tables: 0x100000, mappings: [{ virtual: linear, physical: 0x5000, bytes: 0x1000 }] });
  const good = openImage(mapped.segments((physical) => linear + BigInt(physical))).translator;
  t.equal(good.translate(linear + 0x20000n), undefined, 'an empty entry is believed');
  t.equal(good.translate(linear)?.physical, 0x5000, 'a full one too');
  t.end();
});

t.test('the top table is found by each of its names, and by phys_base or the PT_LOAD of the kernel text', (t) => {
  const mappings = [{ virtual: linear, physical: 0x5000, bytes: 0x1000 }];
  const at = (physical: number) => {
    const image = new PhysicalImage();
    buildPageTable(image, { format, root: physical, tables: 0x2000000, mappings });
    return image;
  };
  for (const name of ['init_top_pgt', 'init_level4_pgt', 'swapper_pg_dir']) {
    const info = buildVmcoreinfo({ symbols: { [name]: imageStart + 0x1000000n }, numbers: { phys_base: -0x800000 } });
    const { memory, translator } = openImage(at(0x800000).segments(), info);
    t.equal(translator.translate(linear)?.physical, 0x5000, name);
    t.equal(physBase(memory, parseVmcoreinfo(info)), -0x800000n);
  }
  const info = buildVmcoreinfo({ symbols: { swapper_pg_dir: imageStart + 0x1000000n } });
  const text = at(0x1800000).segments((physical) => imageStart + BigInt(physical) - 0x800000n);
  const { memory, translator } = openImage(text, info);
  t.equal(translator.translate(linear)?.physical, 0x5000, 'without phys_base');
  t.equal(physBase(memory, parseVmcoreinfo(info)), 0x800000n);
  t.equal(openImage(at(0x1000000).segments(), info).translator.translate(linear)?.physical, 0x5000, 'without both it is 0');
  t.end();
});

t.test('VMCOREINFO that cannot be true is refused by name', (t) => {
  const image = new PhysicalImage();
  image.page(root / 4096);
  const refuse = (info: Parameters<typeof buildVmcoreinfo>[0], code: string, message: RegExp) =>
    t.throws(() => openImage(image.segments(), buildVmcoreinfo(info)), { code, message });
  refuse({ numbers }, 'address/unsupported', /no SYMBOL\(swapper_pg_dir\)/);
  refuse({ symbols: { swapper_pg_dir: 0x1000n }, numbers }, 'address/unsupported', /kernel image/);
  refuse({ symbols: { swapper_pg_dir: imageStart + 8n }, numbers }, 'address/unsupported', /kernel image/);
  refuse({ symbols, numbers: { phys_base: 5 } }, 'vmcoreinfo/bad-value', /phys_base/);
  refuse({ symbols, numbers: { phys_base: 2n ** 60n } }, 'vmcoreinfo/bad-value', /phys_base/);
  refuse({ symbols, numbers: { pgtable_l5_enabled: 2 } }, 'vmcoreinfo/bad-value', /pgtable_l5_enabled/);
  refuse({ symbols, numbers: { sme_mask: 3 } }, 'vmcoreinfo/bad-value', /sme_mask/);
  refuse({ symbols, numbers, plain: { PAGESIZE: 65536 } }, 'vmcoreinfo/bad-value', /PAGESIZE=65536: expected 4096/);
  t.end();
});

t.test('physBase() is 0 when the kernel tells nonsense', (t) => {
  const image = new PhysicalImage();
  image.page(1);
  const memory = openElfMemory(openBytes(buildVmcore({ segments: image.segments() })));
  t.equal(physBase(memory, parseVmcoreinfo('NUMBER(phys_base)=5\n')), 0n);
  const arm = openElfMemory(openBytes(buildVmcore({ machine: 'aarch64', segments: image.segments() })));
  t.equal(physBase(arm, parseVmcoreinfo('NUMBER(PHYS_OFFSET)=0x40000000\n')), 0x40000000n);
  t.equal(physBase(arm, parseVmcoreinfo('NUMBER(PHYS_OFFSET)=0xfffffff000000000\n')), -0x1000000000n, 'below 0 after randomisation');
  t.equal(physBase(arm, parseVmcoreinfo('')), 0n);
  t.end();
});
