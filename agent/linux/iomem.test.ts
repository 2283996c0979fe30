/** /proc/iomem and lockdown, as kernels print them. */
import t from 'tap';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { describeMemoryMap, parseIomem } from './iomem.ts';
import { demandsSignature, parseLockdown, readLockdown } from './lockdown.ts';

const text = `00000000-00000fff : Reserved
00001000-0009fbff : System RAM
00100000-3ffdffff : System RAM
  01000000-01e00fff : Kernel code
  02000000-0283cfff : Kernel rodata
  02a00000-02e7017f : Kernel data
  03360000-037fffff : Kernel bss
  2a000000-39ffffff : Crash kernel
fed00000-fed003ff : HPET 0
  fed00000-fed003ff : PNP0103:00
100000000-13fffffff : System RAM
  12b000000-13affffff : Crash kernel
`;

t.test('describeMemoryMap() adds up what matters', async (t) => {
  const map = describeMemoryMap(parseIomem(text));
  t.equal(map.systemRamBytes, 0x9ec00 + 0x3fee0000 + 0x40000000);
  t.same(
    map.crashKernel.map(({ start, end, depth }) => [start, end, depth]),
    [
      [0x2a000000, 0x3a000000, 1],
      [0x12b000000, 0x13b000000, 1],
    ],
  );
  t.equal(map.kernelBytes, 0xe01000 + 0x83d000 + 0x470180 + 0x4a0000);
});

t.test('hidden addresses count for nothing', async (t) => {
  const hidden = text.replace(/[0-9a-f]+-[0-9a-f]+ :/g, '00000000-00000000 :');
  t.same(describeMemoryMap(parseIomem(hidden)), { visible: false, systemRamBytes: 0, crashKernel: [], kernelBytes: 0 });
  t.same(describeMemoryMap(parseIomem('')), { visible: false, systemRamBytes: 0, crashKernel: [], kernelBytes: 0 });
});

t.test('lines of another form are skipped', async (t) => {
  t.same(parseIomem('garbage\n5-1 : backwards\n1-2 : ok\n0-ffffffffffffffffff : too long'), [{ start: 1, end: 3, depth: 0, name: 'ok' }]);
});

t.test('parseLockdown() takes the state in brackets', async (t) => {
  t.equal(parseLockdown('none [integrity] confidentiality\n'), 'integrity');
  t.equal(parseLockdown('[none] integrity confidentiality\n'), 'none');
  t.equal(parseLockdown('none integrity'), undefined);
  t.equal(parseLockdown('[something]'), undefined);
});

t.test('readLockdown() reads Secure Boot from the firmware variables', async (t) => {
  const folder = t.testdir({});
  const guid = '8be4df61-93ca-11d2-aa0d-00e098032b8c';
  const variable = (value: number) => Uint8Array.of(6, 0, 0, 0, value);
  const system = await createRootedSystem(folder);
  t.same(readLockdown(system), { state: undefined, secureBoot: undefined });
  putTree(folder, {
    'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
    [`sys/firmware/efi/efivars/SecureBoot-${guid}`]: variable(1),
    [`sys/firmware/efi/efivars/SetupMode-${guid}`]: variable(0),
  });
  t.same(readLockdown(system), { state: 'integrity', secureBoot: true });
  t.ok(demandsSignature(readLockdown(system)));
  putTree(folder, { [`sys/firmware/efi/efivars/SetupMode-${guid}`]: variable(1) });
  t.equal(readLockdown(system).secureBoot, false);
  putTree(folder, { [`sys/firmware/efi/efivars/SecureBoot-${guid}`]: Uint8Array.of(6, 0) });
  t.equal(readLockdown(system).secureBoot, undefined);
});
