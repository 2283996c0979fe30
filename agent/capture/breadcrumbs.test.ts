import t from 'tap';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { clearBreadcrumbs, leaveBreadcrumb, readBreadcrumbs } from './breadcrumbs.ts';

const variable = '/sys/firmware/efi/efivars/kcapture-cfc8fc79-be2e-4ddc-97f0-9f98bfe298a0';
const name = 'host-2026-01-01-00:00:00';

t.test('a mark goes to the persistent memory, and the last one is read on the next boot', async (t) => {
  const { system } = await createCaptureMachine(t, { files: { '/dev/pmsg0': '', '/sys/fs/pstore/pmsg-ramoops-0': '' } });
  leaveBreadcrumb(system, 'dmesg saved', name, 'Kernel panic - not\nsyncing');
  const left = system.files.readTextIfThere('/dev/pmsg0') ?? '';
  t.equal(left, `kcapture-stage dmesg-saved ${name} Kernel panic - not syncing\n`);
  system.files.write('/sys/fs/pstore/pmsg-ramoops-0', `noise\nkcapture-stage started x\n${left}more noise\n`);
  t.same(readBreadcrumbs(system), [{ place: 'pstore', stage: 'dmesg saved', name, detail: 'Kernel panic - not syncing' }]);
});

t.test('a variable of the firmware holds the stages that tell most, behind its attributes', async (t) => {
  const { system } = await createCaptureMachine(t, { files: { '/sys/firmware/efi/efivars/Other-1': '' } });
  leaveBreadcrumb(system, 'dumping', name);
  t.equal(system.files.status(variable), undefined, 'not every stage: firmware wears out');
  leaveBreadcrumb(system, 'finished', name, 'x'.repeat(1000));
  const bytes = system.files.readBytes(variable);
  t.same([...bytes.subarray(0, 4)], [7, 0, 0, 0]);
  t.ok(bytes.length <= 164, 'few bytes');
  t.match(readBreadcrumbs(system), [{ place: 'efi variable', stage: 'finished', name }]);
  clearBreadcrumbs(system);
  t.same(readBreadcrumbs(system), []);
});

t.test('a machine without either leaves nothing and fails at nothing', async (t) => {
  const { system } = await createCaptureMachine(t);
  leaveBreadcrumb(system, 'started', name);
  t.same(readBreadcrumbs(system), []);
  t.equal(system.files.status('/dev/pmsg0'), undefined, 'no file is made in /dev');
});

t.test('damaged marks are none', async (t) => {
  const { system } = await createCaptureMachine(t, {
    files: {
      '/sys/fs/pstore/pmsg-ramoops-0': new Uint8Array(300).fill(0xff),
      '/sys/fs/pstore/pmsg-ramoops-1': 'kcapture-stage \x1b[31m evil',
      [variable]: Uint8Array.of(7, 0, 0, 0, 0xff, 0xfe),
    },
  });
  t.same(readBreadcrumbs(system), []);
});
