/** Loading on machines of files: what is checked first, what a failing call leaves behind, and what is said about it. */
import t from 'tap';
import { defaultConfiguration } from '../../config/defaults.ts';
import { buildArm64Image, buildBzImage, buildUki } from '../../testing/build-kernel-image.ts';
import { createKexecMachine, type KexecMachine } from '../../testing/kexec-machine.ts';
import { putTree } from '../../testing/rooted-system.ts';
import { hostPaths } from '../paths.ts';
import { readKexecState } from './kexec-state.ts';
import { executeLoad, type ImageChoice, type LoadRequest, planLoad, problemsOf } from './load.ts';
import { readLoadedRecord } from './loaded-record.ts';
import { reload } from './reload.ts';
import { unload } from './unload.ts';

function request(image: Partial<ImageChoice> = {}, kernel?: string): LoadRequest {
  const path = image.path ?? '/boot/initrd';
  const choice = {
    path,
    finalPath: path,
    commandLineWords: ['root=kcapture'],
    warnings: [],
    origin: 'as named',
    discard: () => {},
    ...image,
  };
  return { configuration: defaultConfiguration, kernel, chooseImage: () => choice };
}

function load(machine: KexecMachine, ...parts: Parameters<typeof request>) {
  return executeLoad(machine, planLoad(machine, request(...parts), { store: true }));
}

function problems(machine: KexecMachine, ...parts: Parameters<typeof request>) {
  return problemsOf(machine, planLoad(machine, request(...parts), { store: true })).map(
    ({ code, message, hint }) => `${code}: ${message} / ${hint}`,
  );
}

const isLoaded = (machine: KexecMachine) => readKexecState(machine).loaded;

t.test('load hands kernel, image and command line over and remembers them', async (t) => {
  const machine = await createKexecMachine(t);
  const { record } = load(machine);
  t.ok(isLoaded(machine));
  t.match(machine.loads, [{ kernel: '/boot/vmlinuz-6.1.0-test', initramfs: '/boot/initrd', onCrash: true }]);
  t.match(machine.loads[0].commandLine, /^console=ttyS0 .*nr_cpus=1.* root=kcapture$/);
  t.same(readLoadedRecord(machine), record);
  t.match(record, { release: '6.1.0-test', bootId: 'aaaa' });
  putTree(machine.root, { 'proc/sys/kernel/random/boot_id': 'bbbb' });
  t.equal(readLoadedRecord(machine), undefined, 'after a restart it says nothing');
});

t.test('what cannot work is refused before the old one is given up', async (t) => {
  const cases: readonly (readonly [string, Parameters<typeof createKexecMachine>[1], Parameters<typeof request>, RegExp])[] = [
    ['no reservation', { crashSize: 0, commandLine: 'quiet' }, [], /^load\/no-reservation: .*without crashkernel=.*estimate/],
    ['a range that does not match', { crashSize: 0, commandLine: 'crashkernel=64G-:1G' }, [], /^load\/no-reservation: .*no range holds/],
    ['a word that cannot be read', { crashSize: 0, commandLine: 'crashkernel=lots' }, [], /^load\/no-reservation: .*at character 1/],
    ['too small', { crashSize: 32 * 2 ** 20 }, [], /^load\/reservation: .*32\.0 MiB.*expected at least/],
    ['disabled', { tree: { 'proc/sys/kernel/kexec_load_disabled': '1\n' } }, [], /^load\/forbidden: .*kexec_load_disabled=1/],
    ['attempts used up', { tree: { 'proc/sys/kernel/kexec_load_limit_panic': '0\n' } }, [], /^load\/forbidden: .*failed ones count too/],
    ['no capability', { tree: { 'proc/self/status': 'CapEff:\t0000000000000000\n' } }, [], /^load\/permission: .*CAP_SYS_BOOT/],
    ['empty image', { tree: { 'boot/initrd': '' } }, [], /^load\/image: .*empty/],
    [
      'lockdown',
      { tree: { 'sys/kernel/security/lockdown': 'none [integrity] confidentiality\n', 'boot/unsigned': buildBzImage() } },
      [{}, '/boot/unsigned'],
      /^load\/signature: .*locked down \(integrity\).*no signature/,
    ],
    [
      'signatures forced',
      { tree: { 'boot/config-6.1.0-test': 'CONFIG_KEXEC_SIG_FORCE=y\n', 'boot/unsigned': buildBzImage() } },
      [{}, '/boot/unsigned'],
      /^load\/signature: .*KEXEC_SIG_FORCE/,
    ],
    [
      'line too long',
      { commandLine: `crashkernel=1M long=${'x'.repeat(2000)}` },
      [],
      /^load\/line-too-long: .*at most 1985.*long \(2005 bytes\)/,
    ],
  ];
  for (const [name, options, parts, wanted] of cases) {
    const machine = await createKexecMachine(t, options);
    machine.files.writeExisting('/sys/kernel/kexec_crash_loaded', '1\n');
    t.match(problems(machine, ...parts)[0], wanted, name);
    t.throws(() => load(machine, ...parts), name);
    t.equal(machine.loads.length, 0, `${name}: the kernel was not called`);
    t.ok(isLoaded(machine));
  }
});

t.test('a kernel file that cannot be used is named with its fault', async (t) => {
  const good = buildBzImage();
  const machine = await createKexecMachine(t, {
    tree: { 'boot/cut': good.subarray(0, 3000), 'boot/text': 'no kernel', 'boot/arm': buildArm64Image(), 'boot/folder/x': '' },
  });
  const refused = (path: string, wanted: RegExp) => t.throws(() => load(machine, {}, path), { message: wanted }, path);
  refused('/boot/cut', /cut off: 3000 bytes, expected 4096/);
  refused('/boot/text', /found data that begins with 6e 6f 20 6b/);
  refused('/boot/arm', /is for aarch64, this machine is x86_64/);
  refused('/boot/folder', /no regular file but a folder/);
  refused('/boot/none', /no such file/);
  t.throws(() => load(machine, {}, '9.9.9'), { code: 'load/no-kernel', message: /vmlinuz-9\.9\.9/ });
});

t.test('a kernel in a unified image is taken out and kept by its content', async (t) => {
  const machine = await createKexecMachine(t, { tree: { 'boot/EFI/Linux/some.efi': buildUki(buildBzImage()) } });
  machine.files.remove('/boot/vmlinuz-6.1.0-test');
  const { record } = load(machine);
  t.match(record.kernel, /^\/var\/lib\/kcapture\/kernel-[0-9a-f]{16}$/);
  t.same(Buffer.from(machine.files.readBytes(record.kernel)), Buffer.from(buildBzImage()));
});

t.test('when the kernel refuses, the pair from before is loaded again', async (t) => {
  const machine = await createKexecMachine(t, { tree: { 'boot/other': 'another image' } });
  load(machine);
  machine.refusals.push('EADDRNOTAVAIL');
  const error = t.throws(() => load(machine, { path: '/boot/other' }), { code: 'load/refused' }) as unknown as Error & { hint: string };
  t.match(error.message, /EADDRNOTAVAIL, the reservation of 256 MiB has no room/);
  t.match(error.message, /from before.*|loaded before \(6\.1\.0-test\) is loaded again/);
  t.match(error.hint, /kernel says: "kexec_file: refused with EADDRNOTAVAIL"/);
  t.ok(isLoaded(machine));
  t.equal(machine.loads.at(-1)?.initramfs, '/boot/initrd');
  t.match(readLoadedRecord(machine), { initramfs: '/boot/initrd' });
});

t.test('when that is impossible too, the error says that nothing is loaded', async (t) => {
  const changed = await createKexecMachine(t, { tree: { 'boot/other': 'another image' } });
  load(changed);
  putTree(changed.root, { 'boot/initrd': 'changed' });
  changed.refusals.push('ENOMEM');
  t.throws(() => load(changed, { path: '/boot/other' }), { message: /"\/boot\/initrd" has changed.*NOTHING IS LOADED NOW/ });
  t.notOk(isLoaded(changed));

  const stubborn = await createKexecMachine(t);
  load(stubborn);
  stubborn.refusals.push('EBUSY', 'EBUSY');
  t.throws(() => load(stubborn), { message: /failed too.*NOTHING IS LOADED NOW/ });

  const foreign = await createKexecMachine(t);
  foreign.files.writeExisting('/sys/kernel/kexec_crash_loaded', '1\n');
  foreign.refusals.push('EINVAL');
  t.throws(() => load(foreign), { message: /another program loaded it.*NOTHING IS LOADED NOW/ });

  const first = await createKexecMachine(t);
  first.refusals.push('ENOSYS');
  t.throws(() => load(first), { message: /Nothing was loaded before and nothing is loaded now/ });
});

t.test('a new image takes its place only when it is loaded', async (t) => {
  const machine = await createKexecMachine(t, { tree: { 'var/new': 'fresh', 'var/old': 'old' } });
  let discarded = 0;
  const choice = { path: '/var/new', finalPath: '/var/old', discard: () => void discarded++ };
  machine.refusals.push('EINVAL');
  t.throws(() => load(machine, choice));
  t.equal(discarded, 1);
  t.equal(machine.files.readTextIfThere('/var/old'), 'old');
  t.match(load(machine, choice).record, { initramfs: '/var/old' });
  t.equal(machine.files.readTextIfThere('/var/old'), 'fresh');
  t.equal(machine.files.status('/var/new'), undefined);
});

t.test('reload hands the same pair over again, and never builds', async (t) => {
  const machine = await createKexecMachine(t);
  t.equal(reload(machine), 'nothing');
  load(machine);
  t.equal(reload(machine), 'done');
  t.equal(machine.loads.length, 2);
  t.same(machine.loads[0], machine.loads[1]);
  machine.refusals.push('EBUSY');
  t.equal(reload(machine), 'done', 'a refusal that took the old one away is tried once more');
  t.equal(machine.loads.length, 4);
  putTree(machine.root, { 'boot/initrd': 'changed' });
  t.throws(() => reload(machine), { message: /has changed. The one that is loaded stays/ });
  t.ok(isLoaded(machine));
  t.equal(machine.files.list('/run').filter((name) => name.endsWith('.lock')).length, 0, 'no lock is left');
});

t.test('unload forgets what was loaded', async (t) => {
  const machine = await createKexecMachine(t);
  t.equal(unload(machine), false);
  load(machine);
  t.equal(unload(machine), true);
  t.notOk(isLoaded(machine));
  t.equal(machine.files.status(hostPaths.loaded), undefined);
});

t.test('problems are all told in a dry run, and nothing is written', async (t) => {
  const machine = await createKexecMachine(t, { crashSize: 0, tree: { 'proc/self/status': 'CapEff:\t0\n', 'boot/initrd': '' } });
  const plan = planLoad(machine, request(), { store: false });
  t.same(
    problemsOf(machine, plan).map(({ code }) => code),
    ['load/permission', 'load/no-reservation', 'load/image'],
  );
  t.equal(machine.files.status('/var/lib/kcapture'), undefined);
});
