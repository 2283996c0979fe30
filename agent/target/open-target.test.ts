/** Devices that come late, layers that open or do not, folders that lead elsewhere. Mounts are links here: the folder behind one stands for the file system. */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ArmedTarget } from '../config/armed-plan.ts';
import { KcaptureError } from '../errors.ts';
import type { MountRequest } from '../sys/kernel-interface.ts';
import type { ProgramResult } from '../sys/programs-interface.ts';
import { type CaptureMachineOptions, createCaptureMachine } from '../testing/capture-machine.ts';
import { type CaptureTarget, openTarget } from './open-target.ts';

const device = '/dev/vda1';
const target = {
  kind: 'filesystem',
  wish: 'ext4 vda1',
  device,
  fsType: 'ext4',
  options: 'noatime',
  folder: '/var/crash',
  layers: [],
} as const;

type Answer = Partial<ProgramResult> | ((argv: readonly string[]) => Partial<ProgramResult>);

async function setUp(t: Test, options: CaptureMachineOptions = {}, answer: Answer = {}) {
  const blocks = new Set([device]);
  const ran: string[] = [];
  const calls: string[] = [];
  const machine = await createCaptureMachine(t, {
    ...options,
    files: { '/disk/.keep': '', ...options.files },
    kernel: {
      mount: (request) => mount(request),
      unmount: (point) => {
        calls.push(`unmount ${point}`);
        rmSync(machine.path(point), { force: true, recursive: true });
      },
      ...options.kernel,
    },
    system: (base) => ({
      files: {
        ...base.files,
        status: (path) => (blocks.has(path) ? { ...base.files.status('/dev/kmsg')!, kind: 'block' } : base.files.status(path)),
      },
      programs: {
        find: (name) => `/sbin/${name}`,
        run: (argv) => {
          ran.push(argv.join(' '));
          return { status: 0, stdout: '', stderr: '', ...(typeof answer === 'function' ? answer(argv) : answer) };
        },
      },
      ...options.system?.(base),
    }),
  });
  const mount = ({ source, target: point, fsType, options: words }: MountRequest) => {
    calls.push(`mount ${source} ${fsType} ${words}`);
    rmSync(machine.path(point), { recursive: true });
    mkdirSync(machine.path(point));
    symlinkSync('/disk', join(machine.path(point), 'var'));
  };
  const open = (wanted: CaptureTarget, seconds = 3) =>
    openTarget(machine.system, wanted, { index: 0, endsAt: machine.clock.ms + seconds * 1000 });
  return { machine, blocks, ran, calls, open };
}

t.test('a device that is there is mounted as the plan says, and let go of again', async (t) => {
  const { machine, calls, open } = await setUp(t, {
    kernel: {
      mount: ({ source, fsType, options }) => void machine.calls.push(`mount ${source} ${fsType} ${options}`),
      unmount: (point) => void machine.calls.push(`unmount ${point}`),
    },
  });
  const opened = open(target);
  t.match(opened, { kind: 'folder', folder: '/run/kcapture/target/0/var/crash' });
  t.ok(machine.system.exists('/run/kcapture/target/0/var/crash'));
  opened.close();
  t.same(machine.calls, ['mount /dev/vda1 ext4 noatime', 'unmount /run/kcapture/target/0']);
  t.same(calls, []);
});

t.test('a device that comes late is waited for, one that does not come is told with what is there', async (t) => {
  const late = await setUp(t, {
    files: { '/sys/class/block/sda/size': '0' },
    kernel: {
      mount() {},
      sleep: (ms) => {
        late.machine.clock.ms += ms;
        if (late.machine.clock.ms > 2500) late.blocks.add('/dev/late');
      },
    },
  });
  t.equal(late.open({ ...target, device: '/dev/late' }).kind, 'folder');
  t.throws(() => late.open({ ...target, device: 'UUID=never' }), {
    code: 'target/absent',
    message: /UUID=never.*within 3 s/,
    hint: /sda/,
  });
});

t.test('a folder that leads out of the file system is refused, and the mount let go of', async (t) => {
  const { calls, open } = await setUp(t);
  t.throws(() => open(target), { code: 'target/outside', message: /leads to "\/disk\/crash"/ });
  t.equal(calls.at(-1), 'unmount /run/kcapture/target/0');
});

t.test('a mount that fails says what and how', async (t) => {
  const mount = () => {
    throw new KcaptureError('kernel/einval', 'Cannot mount: wrong file system');
  };
  const { open } = await setUp(t, { kernel: { mount } });
  t.throws(() => open(target), { code: 'target/mount', message: /\/dev\/vda1 \(ext4\).*wrong file system/, hint: /driver of ext4/ });
});

const layered: ArmedTarget & { kind: 'filesystem' } = {
  ...target,
  device: '/dev/mapper/vg-lv',
  layers: [
    { kind: 'md', uuid: 'aabbccdd:1:2:3' },
    { kind: 'luks', uuid: 'l-1', name: 'crypt', keyFile: '/etc/key' },
    { kind: 'lvm', volumeGroup: 'vg', logicalVolume: 'lv' },
  ],
};

t.test('layers open from the bottom, without udev, and close from the top', async (t) => {
  const { machine, ran, blocks, open } = await setUp(
    t,
    { kernel: { mount() {}, unmount() {} }, files: { '/dev/disk/by-uuid/l-1': '' } },
    (argv) => {
      if (argv[1] === 'lvchange') blocks.add('/dev/mapper/vg-lv');
      return {};
    },
  );
  blocks.add('/dev/disk/by-uuid/l-1');
  open(layered).close();
  t.same(ran, [
    '/sbin/mdadm --assemble --run --uuid=aabbccdd:1:2:3 /dev/md/kcapture-aabbccdd',
    '/sbin/cryptsetup open --type luks --batch-mode --disable-keyring --key-file /etc/key /dev/disk/by-uuid/l-1 crypt',
    '/sbin/lvm lvchange -ay -y --sysinit vg/lv',
    '/sbin/lvm lvchange -an vg/lv',
    '/sbin/cryptsetup close crypt',
    '/sbin/mdadm --stop /dev/md/kcapture-aabbccdd',
  ]);
  t.ok(machine);
});

t.test('nothing is opened that is open already', async (t) => {
  const { ran, blocks, open } = await setUp(t, { kernel: { mount() {} } });
  blocks.add('/dev/mapper/vg-lv');
  open(layered);
  t.same(ran, []);
});

t.test('a layer that does not open says what its program said, after those below are closed again', async (t) => {
  const { ran, blocks, open } = await setUp(t, { files: { '/dev/disk/by-uuid/l-1': '' } }, (argv) =>
    argv[1] === 'open' ? { status: 2, stderr: 'No key available with this passphrase.\n' } : {},
  );
  blocks.add('/dev/disk/by-uuid/l-1');
  t.throws(() => open({ ...layered, layers: layered.layers.slice(0, 2) }), {
    code: 'target/layer',
    message: /cryptsetup ended with 2: No key available/,
  });
  t.match(ran, [/--assemble/, /cryptsetup open/, /--stop/]);
});

t.test('LVM is tried again while disks may still appear', async (t) => {
  let tries = 0;
  const { ran, blocks, open } = await setUp(t, { kernel: { mount() {} } }, () => {
    if (++tries < 4) return { status: 5, stderr: 'Volume group "vg" not found' };
    blocks.add('/dev/mapper/vg-lv');
    return {};
  });
  open({ ...layered, layers: layered.layers.slice(2) });
  t.equal(ran.length, 4);
  tries = -100;
  blocks.delete('/dev/mapper/vg-lv');
  t.throws(() => open({ ...layered, layers: layered.layers.slice(2) }), {
    code: 'target/layer',
    message: /vg\/lv.*ended with 5.*not found/,
  });
});

t.test('an encrypted device without a key file, and a program that is not in the image, are told as that', async (t) => {
  const { open } = await setUp(t, {
    system: () => ({ programs: { find: () => undefined, run: () => ({ status: 127, stdout: '', stderr: '' }) } }),
  });
  const luks = { kind: 'luks', uuid: 'l-1', name: 'crypt', keyFile: undefined } as const;
  t.throws(() => open({ ...layered, layers: [luks] }), { code: 'target/layer', message: /no key file/ });
  t.throws(() => open({ ...layered, layers: layered.layers.slice(2) }), { code: 'target/layer', message: /there is no lvm in the image/ });
});

t.test('in a capture kernel, a folder that lies in memory is no target', async (t) => {
  const mounts = 'rootfs / rootfs rw 0 0\n/dev/vda1 /mnt ext4 rw 0 0\ntmpfs /mnt/inner tmpfs rw 0 0\n';
  const { open } = await setUp(t, { files: { '/proc/mounts': mounts, '/mnt/inner/.keep': '' } });
  const folder = (path: string) => ({ kind: 'folder', wish: path, folder: path }) as const;
  t.throws(() => open(folder('/saved')), { code: 'target/memory', message: /rootfs/ });
  t.throws(() => open(folder('/mnt/inner/x')), { code: 'target/memory', message: /tmpfs/ });
  t.match(open(folder('/mnt/x')), { folder: '/mnt/x' });
  t.match(open(folder('/mnt')), { folder: '/mnt' });
});
