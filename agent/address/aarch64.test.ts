import t from 'tap';
import { buildVmcoreinfo } from '../testing/build-vmcoreinfo.ts';
import { arm64Cases, openPaging } from '../testing/build-paging.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import { arm64LinearAddress, arm64PagingMode, readGeometry } from './aarch64.ts';
import { openTranslator } from './open-translator.ts';

const info = (numbers: { [name: string]: number | string }, symbols: { [name: string]: bigint } = {}) =>
  parseVmcoreinfo(buildVmcoreinfo({ numbers, symbols }));

t.test('since 5.4 the linear map is the lower half of the address space', (t) => {
  const flipped = info({ VA_BITS: 48, TCR_EL1_T1SZ: '0x10', PHYS_OFFSET: '0x40000000' }, { _stext: 0xffff800010080000n });
  const address = (virtual: bigint) => arm64LinearAddress(readGeometry(4096, flipped), flipped, virtual);
  t.equal(address(0xffff000000000000n), 0x40000000);
  t.equal(address(0xffff000012345678n), 0x52345678);
  t.equal(address(0xf6ff000012345678n), 0x52345678, 'a tag in the top byte does not count');
  t.equal(address(0xffff800000000000n), undefined, 'the upper half is not linear');
  t.equal(address(0xfffe000000000000n), undefined, 'nor what lies below the address space');
  t.end();
});

t.test('before 5.4 it was the upper half', (t) => {
  const old = info({ VA_BITS: 48, PHYS_OFFSET: '0x80000000' }, { _stext: 0xffff000008081000n });
  const address = (virtual: bigint) => arm64LinearAddress(readGeometry(4096, old), old, virtual);
  t.equal(address(0xffff800000001000n), 0x80001000);
  t.equal(address(0xffff000008081000n), undefined);
  t.end();
});

t.test('a randomised linear map starts below physical 0', (t) => {
  const low = info({ VA_BITS: 39, TCR_EL1_T1SZ: 25, PHYS_OFFSET: '0xfffffff000000000' }, { _stext: 0xffffffc010080000n });
  const address = (virtual: bigint) => arm64LinearAddress(readGeometry(4096, low), low, virtual);
  t.equal(address(0xffffff8000000000n + 0x1040000000n), 0x40000000);
  t.equal(address(0xffffff8000000000n), undefined, 'where no memory can be');
  t.end();
});

t.test('a kernel of 52 bits that does not tell what it runs with has no linear map by arithmetic', (t) => {
  const silent = info({ VA_BITS: 52, PHYS_OFFSET: 0 }, { _stext: 0xffff800010080000n });
  t.equal(arm64LinearAddress(readGeometry(65536, silent), silent, 0xfff0000000000000n), undefined);
  t.end();
});

t.test('geometry follows the page size and the bits', (t) => {
  const of = (pageSize: number, built: number, unused?: number) => {
    const { tableBits, actualBits, wideAddresses } = readGeometry(
      pageSize,
      info({ VA_BITS: built, ...(unused && { TCR_EL1_T1SZ: unused }) }),
    );
    return [tableBits, actualBits, wideAddresses];
  };
  t.same(of(4096, 48), [48, 48, 'none']);
  t.same(of(4096, 52, 12), [52, 52, 'lpa2']);
  t.same(of(4096, 52, 16), [48, 48, 'none'], 'the top level is left out');
  t.same(of(65536, 52, 16), [52, 48, 'lpa'], 'the tables keep their shape');
  t.same(of(65536, 52), [52, undefined, 'lpa']);
  t.end();
});

t.test('what VMCOREINFO must tell is demanded', (t) => {
  const memory = openPaging(arm64Cases[1]);
  t.throws(() => openTranslator(memory, info({})), { code: 'vmcoreinfo/missing', message: /VA_BITS/ });
  t.throws(() => arm64PagingMode(memory, info({ VA_BITS: 48 })), { code: 'vmcoreinfo/missing', message: /swapper_pg_dir/ });
  t.throws(() => readGeometry(8192, info({ VA_BITS: 48 })), { code: 'address/unsupported' });
  t.throws(() => readGeometry(4096, info({ VA_BITS: 64 })), { code: 'vmcoreinfo/bad-value' });
  t.throws(() => readGeometry(4096, info({ VA_BITS: 48, TCR_EL1_T1SZ: 64 })), { code: 'vmcoreinfo/bad-value' });
  const lost = info({ VA_BITS: 48 }, { swapper_pg_dir: 0xffff800010000000n });
  t.throws(() => arm64PagingMode(memory, lost), { code: 'address/unsupported', message: /kimage_voffset/ });
  t.end();
});

t.test('without kimage_voffset a top table in the linear map is found', (t) => {
  const memory = openPaging(arm64Cases[1]);
  const numbers = { VA_BITS: 48, TCR_EL1_T1SZ: 16, PHYS_OFFSET: '0x40000000' };
  const mode = arm64PagingMode(memory, info(numbers, { _stext: 0xffff800010080000n, swapper_pg_dir: 0xffff000000800000n }));
  t.equal(mode.root, 0x40800000);
  t.end();
});

t.test('tagged addresses lead where the untagged ones do', (t) => {
  const memory = openPaging(arm64Cases[1]);
  const translator = openTranslator(memory, parseVmcoreinfo(memory.vmcoreinfoText));
  t.same(translator.translate(0xf4ff000000000010n), translator.translate(0xffff000000000010n));
  t.equal(translator.translate(0xf4ff000000000010n)?.physical, 0x40000010);
  t.end();
});
