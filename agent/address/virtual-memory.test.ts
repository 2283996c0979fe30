import t from 'tap';
import { encodeText } from '../binary/text.ts';
import { buildPageTable, type Mapping } from '../testing/build-page-table.ts';
import { buildVmcore, PhysicalImage } from '../testing/build-vmcore.ts';
import { buildVmcoreinfo } from '../testing/build-vmcoreinfo.ts';
import { openBytes } from '../testing/bytes-file.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import { openTranslator } from './open-translator.ts';
import { decodeUtsname, readUtsname, UTSNAME_BYTES } from './utsname.ts';
import { VirtualMemory } from './virtual-memory.ts';

const base = 0xffffc90000000000n;
const root = 0x100000;
const MiB = 2 ** 20;

/** Pages 0 and 1 in the wrong order, page 2 not mapped, page 3 mapped but not in the file, a block of 2 MiB further on. */
const mappings: readonly Mapping[] = [
  { virtual: base, physical: 0x9000, bytes: 0x1000 },
  { virtual: base + 0x1000n, physical: 0x8000, bytes: 0x1000 },
  { virtual: base + 0x3000n, physical: 0x7000000, bytes: 0x1000 },
  { virtual: base + 0x200000n, physical: 4 * MiB, bytes: 2 * MiB, blockBytes: 2 * MiB },
  { virtual: base + 0x400000n, physical: 6 * MiB, bytes: 0x2000 },
];

function openMachine(write: (image: PhysicalImage) => void = () => {}): VirtualMemory {
  const image = new PhysicalImage();
  image.addPages(8, 10);
  image.addPages(1024, 1538);
  write(image);
  buildPageTable(image, { format: { machine: 'x86_64', levels: 4 }, root, tables: root + 0x1000, mappings });
  const vmcoreinfo = buildVmcoreinfo({ symbols: { swapper_pg_dir: 0xffffffff80000000n + BigInt(root) }, numbers: { phys_base: 0 } });
  const memory = openElfMemory(openBytes(buildVmcore({ segments: image.segments(), vmcoreinfo })));
  return new VirtualMemory(memory, openTranslator(memory, parseVmcoreinfo(vmcoreinfo)));
}

t.test('read() crosses pages that lie apart', (t) => {
  const virtual = openMachine((image) => {
    image.write(0x9ffc, Uint8Array.of(1, 2, 3, 4));
    image.write(0x8000, Uint8Array.of(5, 6, 7, 8));
  });
  const bytes = new Uint8Array(8);
  virtual.read(base + 0xffcn, bytes);
  t.same(bytes, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  t.equal(virtual.u64(base + 0xffcn), 0x0807060504030201n);
  t.end();
});

t.test('scalars are little endian', (t) => {
  const virtual = openMachine((image) => image.write(0x9000, Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80)));
  t.equal(virtual.u8(base), 0xfe);
  t.equal(virtual.u16(base), 0xfffe);
  t.equal(virtual.u32(base), 0xfffffffe);
  t.equal(virtual.i32(base), -2);
  t.equal(virtual.u64(base), 0x80fffffffffffffen);
  t.end();
});

t.test('what is not mapped, and what is not in the file, are told apart', (t) => {
  const virtual = openMachine();
  t.throws(() => virtual.u8(base + 0x2000n), { code: 'address/not-mapped' });
  t.throws(() => virtual.read(base + 0x1ffcn, new Uint8Array(8)), { code: 'address/not-mapped' });
  t.throws(() => virtual.u8(base + 0x3000n), { code: 'vmcore/absent' });
  t.throws(() => virtual.read(2n ** 64n - 4n, new Uint8Array(8)), { code: 'address/not-mapped' });
  t.end();
});

t.test('text() stops at the NUL and reads nothing behind it', (t) => {
  const virtual = openMachine((image) => {
    image.write(0x9ffe, encodeText('ab'));
    image.write(0x8000, encodeText('cd\0ef'));
    image.write(0x8ffd, encodeText('xyz'));
  });
  t.equal(virtual.text(base + 0xffen, 100), 'abcd');
  t.equal(virtual.text(base + 0xffen, 3), 'abc');
  t.equal(virtual.text(base + 0x1003n, 100), 'ef');
  t.throws(() => virtual.text(base + 0x1ffdn, 100), { code: 'address/not-mapped' }, 'no NUL before the hole');
  t.equal(virtual.text(base + 0x1ffdn, 3), 'xyz');
  t.end();
});

t.test('utsname is read behind init_uts_ns, with or without its offset', (t) => {
  const fields = ['Linux', 'host', '6.1.0', '#1 SMP', 'x86_64', '(none)'];
  const name = Buffer.concat(fields.map((text) => Buffer.from(text.padEnd(65, '\0'))));
  const wanted = { sysname: 'Linux', nodename: 'host', release: '6.1.0', version: '#1 SMP', machine: 'x86_64', domainname: '(none)' };
  const virtual = openMachine((image) => {
    image.write(0x9004, name);
    image.write(0x8000, name);
  });
  const read = (info: Parameters<typeof buildVmcoreinfo>[0]) => readUtsname(parseVmcoreinfo(buildVmcoreinfo(info)), virtual);
  t.same(decodeUtsname(read({ symbols: { init_uts_ns: base } })), wanted);
  t.same(decodeUtsname(read({ symbols: { init_uts_ns: base + 0x1000n }, offsets: { 'uts_namespace.name': 0 } })), wanted);
  t.same(decodeUtsname(read({ symbols: { system_utsname: base + 4n } })), wanted);
  t.equal(read({ symbols: { init_uts_ns: base } }).length, UTSNAME_BYTES);
  t.throws(() => read({}), { code: 'vmcoreinfo/missing' });
  t.throws(() => read({ symbols: { init_uts_ns: base + 0x2000n } }), { code: 'address/not-mapped' });
  t.same(Object.values(decodeUtsname(new Uint8Array(0))), ['', '', '', '', '', '']);
  t.end();
});
