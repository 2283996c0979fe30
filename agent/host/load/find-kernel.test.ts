/** Kernels where distributions and boot loaders put them, locks, and the record of what is loaded. */
import t from 'tap';
import { buildBzImage } from '../../testing/build-kernel-image.ts';
import { createKexecMachine, machineRelease } from '../../testing/kexec-machine.ts';
import { putTree } from '../../testing/rooted-system.ts';
import { findKernel } from './find-kernel.ts';
import { lockPaths, tryLock, withLoadLock } from './load-lock.ts';
import { parseLoadedRecord } from './loaded-record.ts';

const id = '0123456789abcdef0123456789abcdef';

t.test('findKernel() looks where kernels are kept', async (t) => {
  const places = [
    'boot/vmlinuz-6.1.0-test',
    'usr/lib/modules/6.1.0-test/vmlinuz',
    'boot/Image-6.1.0-test',
    'boot/kernel-6.1.0-test',
    'boot/ostree/fedora-abc/vmlinuz-6.1.0-test',
    `boot/${id}/6.1.0-test/linux`,
    `efi/${id}/6.1.0-test/linux`,
    'boot/vmlinuz-linux',
    'boot/booted-by-grub',
  ];
  for (const place of places) {
    const machine = await createKexecMachine(t, {
      commandLine: 'BOOT_IMAGE=(hd0,gpt2)/booted-by-grub ro',
      tree: { 'etc/machine-id': `${id}\n` },
    });
    machine.files.remove('/boot/vmlinuz-6.1.0-test');
    putTree(machine.root, { [place]: buildBzImage() });
    t.equal(findKernel(machine, undefined).path, `/${place}`, place);
  }
});

t.test('a file without a release in its name counts only with the right release inside', async (t) => {
  const machine = await createKexecMachine(t, { tree: { 'boot/vmlinuz-linux': buildBzImage({ release: '6.9.9-other' }) } });
  machine.files.remove('/boot/vmlinuz-6.1.0-test');
  t.throws(() => findKernel(machine, machineRelease), { code: 'load/no-kernel', message: /"\/boot\/vmlinuz-linux" holds 6\.9\.9-other/ });
  t.equal(findKernel(machine, '6.9.9-other').path, '/boot/vmlinuz-linux');
  putTree(machine.root, { 'boot/vmlinuz-6.1.0-test': 'damaged' });
  t.throws(() => findKernel(machine, undefined), { message: /found data that begins with/ });
});

t.test('a lock is held by one process and outlives no dead one', async (t) => {
  const machine = await createKexecMachine(t);
  const self = String(process.pid);
  putTree(machine.root, { [`proc/${self}/stat`]: `${self} (a) b) S ${'0 '.repeat(18)}777 0` });
  const lock = tryLock(machine, lockPaths.load, 0);
  t.ok(lock);
  t.equal(tryLock(machine, lockPaths.load, 1000), undefined);
  t.throws(() => withLoadLock(machine, () => {}, 1000), { code: 'load/busy', message: new RegExp(`process ${self}`) });
  lock?.release();
  t.equal(
    withLoadLock(machine, () => 42),
    42,
  );
  t.equal(machine.files.status(lockPaths.load), undefined);

  for (const dead of ['999999:1', `${self}:12345`, 'nonsense']) {
    machine.files.write(lockPaths.load, dead);
    t.equal(
      withLoadLock(machine, () => 42, 0),
      42,
      dead,
    );
  }
  machine.files.write(lockPaths.load, '');
  t.throws(() => withLoadLock(machine, () => 42, 0), { code: 'load/busy' }, 'one that is being made is respected');
  const later = { ...machine, kernel: { ...machine.kernel, wallClockMs: () => Date.now() + 60_000 } };
  t.equal(
    withLoadLock(later, () => 42, 0),
    42,
    'but not for ever',
  );
  t.throws(
    () =>
      withLoadLock(machine, () => {
        throw new Error('x');
      }),
    { message: 'x' },
  );
  t.equal(machine.files.status(lockPaths.load), undefined, 'an error lets go of it');
});

t.test('parseLoadedRecord() takes nothing but a whole record', async (t) => {
  const record = {
    version: 1,
    loadedAt: 'a',
    bootId: 'b',
    release: 'c',
    kernel: 'd',
    kernelSha256: 'e',
    initramfs: 'f',
    initramfsSha256: 'g',
    commandLine: 'h',
  };
  const text = JSON.stringify(record);
  t.same(parseLoadedRecord(text), record);
  for (let length = 0; length < text.length; length++) t.equal(parseLoadedRecord(text.slice(0, length)), undefined);
  for (const key of Object.keys(record)) t.equal(parseLoadedRecord(JSON.stringify({ ...record, [key]: null })), undefined, key);
  for (const other of ['', 'null', '[]', '7', '{"version":2}']) t.equal(parseLoadedRecord(other), undefined, other);
});
