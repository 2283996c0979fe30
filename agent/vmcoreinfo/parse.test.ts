import t from 'tap';
import { buildVmcoreinfo } from '../testing/build-vmcoreinfo.ts';
import { missingKeys } from './keys.ts';
import { needNumber, needSymbol, numberWithin } from './need.ts';
import { parseVmcoreinfo } from './parse.ts';

t.test('every kind of line gives its value', (t) => {
  const info = parseVmcoreinfo(
    buildVmcoreinfo({
      plain: { OSRELEASE: '6.12.0-1=odd name', PAGESIZE: 4096, 'BUILD-ID': 'ab12', CONFIG_X: 'y' },
      symbols: { _stext: 0xffffffff81000000n },
      sizes: { page: 64 },
      offsets: { 'page.flags': 0 },
      lengths: { mem_section: 2048 },
      numbers: { phys_base: -163577856n, VMALLOC_START: '0xff585e9e40000000', PG_lru: 5 },
    }),
  );
  t.equal(info.plain('OSRELEASE'), '6.12.0-1=odd name');
  t.equal(info.plain('BUILD-ID'), 'ab12');
  t.equal(info.plain('CONFIG_X'), 'y');
  t.equal(info.symbol('_stext'), 0xffffffff81000000n);
  t.equal(info.size('page'), 64);
  t.equal(info.offset('page.flags'), 0);
  t.equal(info.length('mem_section'), 2048);
  t.equal(info.number('phys_base'), -163577856n);
  t.equal(info.number('VMALLOC_START'), 0xff585e9e40000000n);
  t.equal(info.smallNumber('PG_lru'), 5);
  t.end();
});

t.test('a key that is not there is undefined, whatever its kind', (t) => {
  const info = parseVmcoreinfo('SIZE(page)=64\n');
  t.same(
    [info.plain('page'), info.symbol('page'), info.offset('page'), info.length('page'), info.number('page'), info.smallNumber('page')],
    Array(6).fill(undefined),
  );
  t.end();
});

t.test('the first line with a key wins', (t) => {
  t.equal(parseVmcoreinfo('SIZE(page)=64\nSIZE(page)=32\n').size('page'), 64);
  t.equal(parseVmcoreinfo('SIZE(page)=x\nSIZE(page)=32\n').size('page'), 32, 'of those that can be read');
  t.end();
});

t.test('malformed lines are skipped', (t) => {
  const info = parseVmcoreinfo(
    'SIZE(a)=-1\nSIZE(b)=0x10\nOFFSET(c)=99999999999\nLENGTH(d)=4294967295\nSYMBOL(e)=xyz\nSYMBOL(f)=11112222333344445\nNUMBER(g)=1.5\n' +
      'NUMBER(h)=\nNUMBER(i)=0x\nNUMBER(j)=-0x1\nno equals sign\n=5\nSIZE()=1\nSIZE(k)x=1\n\0\xff\nSIZE(last)=3',
  );
  for (const name of ['a', 'b', 'c', 'd', 'k', ''])
    t.same([info.size(name), info.offset(name), info.length(name)], Array(3).fill(undefined), name);
  for (const name of ['e', 'f']) t.equal(info.symbol(name), undefined, name);
  for (const name of ['g', 'h', 'i', 'j']) t.equal(info.number(name), undefined, name);
  t.equal(info.size('last'), 3, 'a last line without its end is read');
  t.end();
});

t.test('smallNumber() refuses what JavaScript cannot hold', (t) => {
  t.throws(() => parseVmcoreinfo('NUMBER(a)=0xffff000000000000\n').smallNumber('a'), { code: 'vmcoreinfo/bad-value' });
  t.equal(parseVmcoreinfo('NUMBER(a)=-268435456\n').smallNumber('a'), -268435456);
  t.end();
});

t.test('needed keys are demanded by name, and bounded', (t) => {
  const info = parseVmcoreinfo('NUMBER(VA_BITS)=53\nSYMBOL(a)=10\n');
  t.equal(needSymbol(info, 'a'), 16n);
  t.throws(() => needSymbol(info, 'b'), { code: 'vmcoreinfo/missing', message: /SYMBOL\(b\)/ });
  t.throws(() => needNumber(info, 'c'), { code: 'vmcoreinfo/missing', message: /NUMBER\(c\)/ });
  t.throws(() => numberWithin(info, 'VA_BITS', 36, 52), { code: 'vmcoreinfo/bad-value', message: /VA_BITS\)=53: expected 36 to 52/ });
  t.equal(numberWithin(info, 'VA_BITS', 36, 53), 53);
  t.equal(numberWithin(info, 'none', 0, 1), undefined);
  t.end();
});

t.test('missingKeys() names what this machine should have printed', (t) => {
  t.same(missingKeys(parseVmcoreinfo(''), 'x86_64', 'translate'), ['SYMBOL(swapper_pg_dir)']);
  t.same(missingKeys(parseVmcoreinfo('SYMBOL(swapper_pg_dir)=1\n'), 'aarch64', 'translate'), ['NUMBER(VA_BITS)']);
  t.same(missingKeys(parseVmcoreinfo('SIZE(page)=64\nOFFSET(page.flags)=0\n'), 'x86_64', 'filter'), ['OFFSET(page.mapping)']);
  t.end();
});
