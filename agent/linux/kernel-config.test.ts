/** Kernel configurations from the places distributions put them. */
import t, { type Test } from 'tap';
import { gzipSync } from 'node:zlib';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { checkKernelConfig, parseKernelConfig, readKernelConfig } from './kernel-config.ts';

const good = [
  ...['KEXEC_CORE', 'KEXEC_FILE', 'CRASH_DUMP', 'PROC_VMCORE', 'RELOCATABLE', 'VMCORE_INFO', 'KALLSYMS', 'MAGIC_SYSRQ'].map(
    (name) => `CONFIG_${name}=y`,
  ),
  '# CONFIG_KEXEC_SIG_FORCE is not set',
  'CONFIG_LOCALVERSION="-test"',
].join('\n');

async function systemWith(t: Test, tree: Readonly<Record<string, string | Uint8Array>>, running = '6.1.0-test') {
  const folder = t.testdir({});
  putTree(folder, tree);
  const system = await createRootedSystem(folder);
  return { ...system, kernel: { ...system.kernel, utsname: () => ({ host: 'h', release: running, version: '#1', machine: 'x86_64' }) } };
}

t.test('parseKernelConfig() keeps what is set', async (t) => {
  t.same(
    [...parseKernelConfig('CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C="x y"\nCONFIG_D=0x10\nnoise\nCONFIG_E=m')],
    [
      ['A', 'y'],
      ['C', 'x y'],
      ['D', '0x10'],
      ['E', 'm'],
    ],
  );
});

t.test('readKernelConfig() prefers /proc/config.gz for the running kernel only', async (t) => {
  const tree = { 'proc/config.gz': gzipSync(good), 'boot/config-6.1.0-test': 'CONFIG_A=y', 'usr/lib/modules/7.0/config': 'CONFIG_B=y' };
  const system = await systemWith(t, tree);
  t.equal(readKernelConfig(system, '6.1.0-test')?.path, '/proc/config.gz');
  t.match(readKernelConfig(system, '7.0'), { path: '/usr/lib/modules/7.0/config' });
  t.equal(readKernelConfig(system, '5.0'), undefined);
});

t.test('readKernelConfig() looks further when /proc/config.gz is damaged', async (t) => {
  const whole = gzipSync(good);
  const system = await systemWith(t, { 'proc/config.gz': whole.subarray(0, 20), 'boot/config-6.1.0-test': 'CONFIG_A=y' });
  t.equal(readKernelConfig(system, '6.1.0-test')?.path, '/boot/config-6.1.0-test');
});

t.test('checkKernelConfig() says what is missing and what breaks', async (t) => {
  const check = async (text: string) => checkKernelConfig(await systemWith(t, { 'boot/config-6.1.0-test': text }), '6.1.0-test').checks;
  t.ok((await check(good)).every(({ present }) => present));
  const missing = (await check(good.replace('CONFIG_PROC_VMCORE=y', '').replace('CONFIG_KALLSYMS=y', 'CONFIG_KALLSYMS=n'))).filter(
    ({ present }) => !present,
  );
  t.match(missing, [
    { option: 'CONFIG_PROC_VMCORE', weight: 'required', without: /nothing to save/ },
    { option: 'CONFIG_KALLSYMS', weight: 'wanted' },
  ]);
  t.ok(
    (await check(good.replace('VMCORE_INFO', 'CRASH_CORE'))).every(({ present }) => present),
    'older kernels call it CRASH_CORE',
  );
  const system = await systemWith(t, {});
  t.same(checkKernelConfig(system, '6.1.0-test'), { release: '6.1.0-test', path: undefined, checks: [] });
});

t.test('checkKernelConfig() asks a kernel for what its part needs', async (t) => {
  const system = await systemWith(t, { 'boot/config-6.1.0-test': good });
  const options = (role: 'crashing' | 'capturing') => checkKernelConfig(system, '6.1.0-test', [role]).checks.map(({ option }) => option);
  t.notOk(options('crashing').includes('CONFIG_PROC_VMCORE'));
  t.notOk(options('capturing').includes('CONFIG_KEXEC_FILE'));
});
