/** The sum, the number made of it, and the edit for the boot loader that is really there. */
import { writeFileSync, chmodSync } from 'node:fs';
import t, { type Test } from 'tap';
import { GiB, MiB } from '../../binary/units.ts';
import { createKexecMachine } from '../../testing/kexec-machine.ts';
import { putTree } from '../../testing/rooted-system.ts';
import type { System } from '../../sys/system.ts';
import { readRecord } from '../install/record.ts';
import { hostPaths } from '../paths.ts';
import { applyGrub } from './boot/apply-grub.ts';
import { findBootEdit } from './boot/find-boot-edit.ts';
import { grubDropInText } from './boot/grub.ts';
import { type NeedFacts, sumNeeds } from './memory-needs.ts';
import { recommend, roundUp } from './recommend.ts';

const facts: NeedFacts = {
  kernelBytes: 33 * MiB,
  kernelSource: 'test',
  image: { packedBytes: 48 * MiB, unpackedBytes: 48 * MiB, source: 'test' },
  moduleBytes: MiB,
  memoryBytes: 2 * GiB,
  pageBytes: 4096,
  cpus: 1,
  framebufferBytes: 0,
  luksBytes: 0,
  usesSystemd: false,
};

t.test('sumNeeds() adds up its lines', async (t) => {
  const needs = sumNeeds(facts, 192 * MiB);
  t.equal(needs.moment, 'dumping');
  t.equal(
    needs.totalBytes,
    needs.lines.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  t.ok(needs.leastBytes < 170 * MiB && needs.totalBytes > 192 * MiB, 'what was seen with 6.1: works with 192M without a margin');
  const line = (what: string, changed: Partial<NeedFacts>) =>
    sumNeeds({ ...facts, ...changed }, 192 * MiB).lines.find((one) => one.what === what)?.bytes;
  t.equal(line('bitmap', { memoryBytes: 64 * GiB }), 4 * MiB);
  t.equal(line('table of its pages', {}), 3 * MiB);
  t.equal(line('table of its pages', { pageBytes: 65536 }), 0.1875 * MiB);
  t.equal(line('opening LUKS', { luksBytes: GiB }), GiB + 20 * MiB);
  t.equal(line('opening LUKS', {}), undefined);
  t.equal(line('screen', { framebufferBytes: 8 * MiB }), 8 * MiB);
  t.ok(line('systemd and udev', { usesSystemd: true }));
});

t.test('a large packed image decides while it is unpacked', async (t) => {
  const needs = sumNeeds({ ...facts, image: { packedBytes: 200 * MiB, unpackedBytes: 200 * MiB, source: 'test' } }, 512 * MiB);
  t.equal(needs.moment, 'unpacking');
  t.ok(needs.totalBytes > 400 * MiB);
});

t.test('roundUp() makes numbers people write', async (t) => {
  const cases = [
    [1, 128],
    [128, 128],
    [129, 160],
    [193, 224],
    [512, 512],
    [513, 576],
    [2049, 2304],
  ] as const;
  for (const [mib, rounded] of cases) t.equal(roundUp(mib * MiB), rounded * MiB, `${mib} MiB`);
});

t.test('recommend() judges what is reserved and knows what others would reserve', async (t) => {
  const judge = (reservedMiB: number, changed: Partial<NeedFacts> = {}) => recommend({ ...facts, ...changed }, reservedMiB * MiB, 'x86_64');
  t.equal(judge(0).word, 'crashkernel=224M');
  t.same(
    [0, 128, 192, 224, 256, 448].map((mib) => judge(mib).verdict),
    ['none', 'low', 'tight', 'good', 'good', 'generous'],
  );
  const fedora = judge(0).defaults.find(({ name }) => name.startsWith('Fedora'));
  t.equal(fedora?.bytes, 256 * MiB);
  t.equal(judge(0, { luksBytes: GiB, memoryBytes: 64 * GiB }).word, 'crashkernel=1344M,high', 'too large for a piece below 4 GiB');
});

const mkconfig = 'if [ -d /etc/default/grub.d ]; then . /etc/default/grub.d/*.cfg; fi\n';
const loaderGuid = '4a67b082-0a4c-41cf-b6c7-440b29bb8c4f';

function firmware(text: string): Uint8Array {
  return Uint8Array.from([6, 0, 0, 0, ...[...text].flatMap((char) => [char.charCodeAt(0), 0]), 0, 0]);
}

/** A machine on which these programs are found, in its own /usr/bin. */
async function machineWith(t: Test, programs: readonly string[], tree: Readonly<Record<string, string | Uint8Array>>) {
  const machine = await createKexecMachine(t, { tree });
  for (const name of programs) {
    if (machine.files.status(`/usr/bin/${name}`) === undefined) putTree(machine.root, { [`usr/bin/${name}`]: '#!/bin/sh\n' });
    chmodSync(`${machine.root}/usr/bin/${name}`, 0o755);
  }
  const find = (name: string) => (programs.includes(name) ? `/usr/bin/${name}` : undefined);
  return { ...machine, programs: { ...machine.programs, find } };
}

t.test('findBootEdit() names the edit for what starts the machine', async (t) => {
  const wanted = { word: 'crashkernel=224M', old: ['crashkernel=128M'] };
  const cases: readonly (readonly [
    programs: readonly string[],
    tree: Readonly<Record<string, string | Uint8Array>>,
    loader: RegExp,
    step: RegExp,
  ])[] = [
    [
      ['rpm-ostree', 'grubby'],
      { 'run/ostree-booted': '' },
      /^ostree/,
      /^rpm-ostree kargs --delete-if-present=crashkernel=128M --append-if-missing=crashkernel=224M$/,
    ],
    [['ostree'], { 'run/ostree-booted': '' }, /^ostree/, /^ostree admin kargs edit-in-place/],
    [
      ['kernel-install'],
      { [`sys/firmware/efi/efivars/StubInfo-${loaderGuid}`]: firmware('systemd-stub 257'), 'etc/kernel/cmdline': 'ro' },
      /unified/,
      /\/etc\/kernel\/cmdline/,
    ],
    [
      ['kernel-install'],
      { 'etc/kernel/install.conf': 'layout=uki\n' },
      /unified/,
      /Write the kernel command line into \/etc\/kernel\/cmdline/,
    ],
    [
      ['mkinitcpio'],
      { 'etc/kernel/install.conf': 'layout=uki\n', 'etc/mkinitcpio.d/linux.preset': '' },
      /unified/,
      /cmdline\.d\/kcapture\.conf/,
    ],
    [['grubby'], { 'boot/grub2/grub.cfg': '' }, /Fedora/, /^grubby --update-kernel=ALL --args=crashkernel=224M$/],
    [['kernel-install'], { 'boot/loader/loader.conf': '', 'etc/kernel/cmdline': 'ro' }, /systemd-boot/, /\/etc\/kernel\/cmdline/],
    [
      [],
      { 'efi/loader/loader.conf': '', 'efi/loader/entries/arch.conf': 'options ro' },
      /systemd-boot/,
      /"options" line of \/efi\/loader\/entries\/arch\.conf/,
    ],
    [
      ['update-grub', 'grub-mkconfig'],
      { 'usr/bin/grub-mkconfig': mkconfig, 'etc/default/grub': '' },
      /drop-ins/,
      /kcapture\.cfg: GRUB_CMDLINE_LINUX_DEFAULT=/,
    ],
    [
      ['update-grub', 'grub-mkconfig'],
      { 'usr/bin/grub-mkconfig': mkconfig, 'etc/default/grub.d/kdump-tools.cfg': 'X="crashkernel=1M"' },
      /drop-ins/,
      /in place of the crashkernel= in \/etc\/default\/grub\.d\/kdump-tools\.cfg/,
    ],
    [
      ['grub-mkconfig'],
      { 'etc/default/grub': '', 'boot/grub/grub.cfg': '' },
      /^GRUB$/,
      /GRUB_CMDLINE_LINUX_DEFAULT in \/etc\/default\/grub/,
    ],
    [['grub2-mkconfig'], { 'etc/default/grub': '', 'boot/grub2/grub.cfg': '' }, /^GRUB$/, /GRUB_CMDLINE/],
    [[], { 'boot/extlinux/extlinux.conf': 'append ro' }, /extlinux/, /"append" line/],
    [['u-boot-update'], { 'boot/extlinux/extlinux.conf': '', 'etc/default/u-boot': '' }, /u-boot-menu/, /U_BOOT_PARAMETERS/],
    [[], { 'boot/armbianEnv.txt': '' }, /Armbian/, /extraargs/],
    [
      [],
      { 'proc/device-tree/model': 'Raspberry Pi 5', 'boot/firmware/cmdline.txt': 'ro' },
      /Raspberry/,
      /one line of \/boot\/firmware\/cmdline\.txt/,
    ],
    [[], { 'etc/zipl.conf': '' }, /zipl/, /parameters/],
    [[], {}, /unknown/, /in your boot loader's configuration/],
  ];
  for (const [programs, tree, loader, step] of cases) {
    const edit = findBootEdit(await machineWith(t, programs, tree), wanted);
    t.match(edit.loader, loader, edit.loader);
    t.match(edit.steps[0], step, edit.steps[0]);
    t.ok(edit.undo.length > 0);
  }
});

/** A machine whose update-grub is a real program: it copies the drop-in to a place of its own, or fails. */
async function grubMachine(t: Test, status: number): Promise<System & { root: string }> {
  const machine = await machineWith(t, ['update-grub', 'grub-mkconfig'], {
    'usr/bin/grub-mkconfig': mkconfig,
    'etc/default/grub.d/x.cfg': '#crashkernel=1M\n',
  });
  const script = `${machine.root}/usr/bin/update-grub`;
  writeFileSync(
    script,
    `#!/bin/sh\ncp ${machine.root}/etc/default/grub.d/kcapture.cfg ${machine.root}/result\necho broken >&2\nexit ${status}\n`,
  );
  chmodSync(script, 0o755);
  const run = (argv: readonly string[]) => machine.programs.run([`${machine.root}/usr/bin/${argv[0]}`, ...argv.slice(1)]);
  return { ...machine, programs: { ...machine.programs, run } };
}

t.test('applyGrub() writes the drop-in, runs GRUB, and remembers what it wrote', async (t) => {
  const machine = await grubMachine(t, 0);
  const word = 'crashkernel=224M';
  const edit = findBootEdit(machine, { word, old: [] });
  t.ok(edit.canApply);
  t.same(applyGrub(machine, word, edit, '1'), { file: hostPaths.grubDropIn, command: 'update-grub', changed: true });
  t.equal(machine.files.readTextIfThere('/result'), grubDropInText(word));
  t.match(readRecord(machine.files)?.entries, [{ kind: 'file', path: hostPaths.grubDropIn, mode: 0o644 }]);
  t.equal(applyGrub(machine, word, edit, '1').changed, false);
  t.equal(readRecord(machine.files)?.entries.length, 1);
});

t.test('applyGrub() takes the drop-in back when GRUB fails', async (t) => {
  const machine = await grubMachine(t, 1);
  const word = 'crashkernel=224M';
  const edit = findBootEdit(machine, { word, old: [] });
  t.throws(() => applyGrub(machine, word, edit, '1'), { code: 'estimate/grub', message: /status 1: broken.*Nothing was changed/ });
  t.equal(machine.files.status(hostPaths.grubDropIn), undefined);
  machine.files.write(hostPaths.grubDropIn, 'from before');
  t.throws(() => applyGrub(machine, word, edit, '1'));
  t.equal(machine.files.readTextIfThere(hostPaths.grubDropIn), 'from before');
});

t.test('applyGrub() refuses what it cannot do, with the steps', async (t) => {
  const machine = await machineWith(t, ['grubby'], {});
  const edit = findBootEdit(machine, { word: 'crashkernel=1M', old: [] });
  t.throws(() => applyGrub(machine, 'crashkernel=1M', edit, '1'), { code: 'estimate/cannot-apply', hint: /grubby --update-kernel/ });
});
