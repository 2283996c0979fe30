import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../../cli.ts';
import { type ArmedMachine, createArmedMachine, diskUuid, putArmed, testBuild, testRelease } from '../../testing/armed-machine.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { buildNames } from '../../testing/build-names.ts';
import type { System } from '../../sys/system.ts';
import { imagePath } from '../paths.ts';
import { nfsFolder } from '../target/nfs-url.ts';
import type { Status } from './status.ts';

async function ask(system: ArmedMachine): Promise<{ code: number; text: string; status: Status }> {
  system.printed.out = '';
  const code = await run(system, testBuild, ['status']);
  const text = system.printed.out;
  system.printed.out = '';
  await run(system, testBuild, ['status', '--json']);
  return { code, text, status: JSON.parse(system.printed.out) };
}

function machine(t: Test, overrides: Partial<System> = {}): Promise<ArmedMachine> {
  return createArmedMachine(t.testdir({}), { programs: buildNames({ 'files.example': ['192.0.2.7'] }), ...overrides });
}

/** The check that a state is about. */
function find(status: Status, name: string) {
  return status.checks.find((check) => check.name === name && check.level !== 'ok') ?? status.checks.find((check) => check.name === name);
}

t.test('an armed machine is exit code 0 and says what would happen', async (t) => {
  const { code, text, status } = await ask(await machine(t));
  t.strictSame(
    status.checks.filter(({ level }) => level === 'warn' || level === 'fail'),
    [],
  );
  t.equal(code, 0);
  t.match(text, /^ARMED: /);
  t.match(text, /ok +reserved +256 MiB/);
  t.match(text, /ok +loaded +6\.1\.0-test, since 2026/);
  t.match(text, /ok +image +.*up to date/);
  t.match(text, /ok +target +.*\/var\/crash/);
  t.match(text, /This is an estimate/);
  t.match(text, /Leads to a dump: panic, oops/);
  t.match(
    text,
    /The machine would start kernel 6\.1\.0-test in 256 MiB of reserved memory and save the log, then about [\d.]+ MiB of memory/,
  );
  t.match(status, { version: 1, verdict: 'armed', exitCode: 0, estimate: { source: 'meminfo' } });
});

type State = {
  readonly name: string;
  readonly change: (system: ArmedMachine) => void;
  readonly code: 4 | 5;
  readonly check: string;
  readonly says: RegExp;
  readonly hint: RegExp;
};

const states: readonly State[] = [
  {
    name: 'unarmed: nothing is loaded',
    change: (system) => system.put({ 'sys/kernel/kexec_crash_loaded': '0\n' }),
    code: 4,
    check: 'loaded',
    says: /no capture kernel is loaded/,
    hint: /^kcapture load$/,
  },
  {
    name: 'without a reservation, and none was asked for',
    change: (system) =>
      system.put({ 'sys/kernel/kexec_crash_size': '0\n', 'sys/kernel/kexec_crash_loaded': '0\n', 'proc/cmdline': 'quiet\n' }),
    code: 4,
    check: 'reserved',
    says: /nothing: .*crashkernel=/,
    hint: /kcapture estimate/,
  },
  {
    name: 'without a reservation, though one was asked for',
    change: (system) => system.put({ 'sys/kernel/kexec_crash_size': '0\n', 'sys/kernel/kexec_crash_loaded': '0\n' }),
    code: 4,
    check: 'reserved',
    says: /nothing, though the command line asks for 256 MiB/,
    hint: /dmesg/,
  },
  {
    name: 'without a reservation, because the word cannot be read',
    change: (system) =>
      system.put({ 'sys/kernel/kexec_crash_size': '0\n', 'sys/kernel/kexec_crash_loaded': '0\n', 'proc/cmdline': 'crashkernel=lots\n' }),
    code: 4,
    check: 'reserved',
    says: /crashkernel=lots/,
    hint: /kcapture estimate/,
  },
  {
    name: 'with a reservation in which no capture fits',
    change: (system) => system.put({ 'sys/kernel/kexec_crash_size': `${64 * 1024 * 1024}\n` }),
    code: 5,
    check: 'reserved',
    says: /64.0 MiB.*too little, a capture takes about/,
    hint: /crashkernel=\d+M.*kcapture estimate/,
  },
  {
    name: 'a kernel without kexec',
    change: (system) => system.drop('sys/kernel'),
    code: 4,
    check: 'reserved',
    says: /cannot start a capture kernel/,
    hint: /CONFIG_CRASH_DUMP/,
  },
  {
    name: 'stale: the executable changed',
    change: (system) => system.put({ 'usr/bin/kcapture': 'another executable' }),
    code: 5,
    check: 'image',
    says: /out of date: .*changed/,
    hint: /kcapture load --rebuild/,
  },
  {
    name: 'stale: the target changed',
    change: (system) => system.put({ 'etc/kcapture.conf': 'path /other\n' }),
    code: 5,
    check: 'image',
    says: /out of date: the targets/,
    hint: /kcapture load --rebuild/,
  },
  {
    name: 'the image was replaced after it was loaded',
    change: (system) => system.put({ [`var/lib/kcapture/kcapture-${testRelease}.img`]: 'another image' }),
    code: 5,
    check: 'loaded',
    says: /has changed.*the loaded copy still works/,
    hint: /kcapture load --reload/,
  },
  {
    name: 'the image is gone, and nothing is loaded',
    change: (system) => {
      system.drop(`var/lib/kcapture/kcapture-${testRelease}.img`);
      system.put({ 'sys/kernel/kexec_crash_loaded': '0\n' });
    },
    code: 4,
    check: 'image',
    says: /is not there/,
    hint: /kcapture load --rebuild/,
  },
  {
    name: 'loaded by another program',
    change: (system) => system.drop('var/lib/kcapture/loaded.json'),
    code: 5,
    check: 'loaded',
    says: /not by kcapture/,
    hint: /kcapture load/,
  },
  {
    name: 'loaded before the last reboot only',
    change: (system) => system.put({ 'proc/sys/kernel/random/boot_id': 'boot-2\n' }),
    code: 5,
    check: 'loaded',
    says: /not by kcapture/,
    hint: /kcapture load/,
  },
  {
    name: 'unreachable: the device is not there',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': 'ext4 UUID=11111111-2222-3333-4444-555555555555\n' });
      putArmed(system);
    },
    code: 4,
    check: 'target',
    says: /device UUID=1111.* is not there/,
    hint: /lsblk/,
  },
  {
    name: 'unreachable: the device is read-only',
    change: (system) => system.put({ 'sys/class/block/vda1/ro': '1\n' }),
    code: 4,
    check: 'target',
    says: /\/dev\/vda1 is read-only/,
    hint: /blockdev/,
  },
  {
    name: 'the file system was remounted read-only',
    change: (system) => system.put({ 'proc/self/mountinfo': '30 1 254:1 / / ro,relatime - ext4 /dev/vda1 ro\n' }),
    code: 5,
    check: 'target',
    says: /read-only now/,
    hint: /remount,rw/,
  },
  {
    name: 'the folder for dumps is a file',
    change: (system) => system.put({ 'var/crash': 'text' }),
    code: 4,
    check: 'target',
    says: /\/var\/crash is no folder/,
    hint: /path/,
  },
  {
    name: 'one target of two is out of reach',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': `ssh crash@192.0.2.9\next4 UUID=${diskUuid}\npath /crash\n` });
      putArmed(system);
    },
    code: 5,
    check: 'target 1',
    says: /no private key/,
    hint: /kcapture target add ssh:\/\/crash@192\.0\.2\.9/,
  },
  {
    name: 'the name of the only server is not known',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': 'nfs unknown.example:/export\n' });
      putArmed(system);
    },
    code: 4,
    check: 'target',
    says: /no address of unknown\.example can be found now/,
    hint: /getent/,
  },
  {
    name: 'others can read the image',
    change: (system) => chmodSync(join(system.root, imagePath(testRelease)), 0o644),
    code: 5,
    check: 'image',
    says: /others than root can read/,
    hint: /chmod 600/,
  },
  {
    name: 'short of space: the dump would be incomplete',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': 'min_free 900T\n' });
      putArmed(system);
    },
    code: 5,
    check: 'room',
    says: /would be incomplete/,
    hint: /kcapture list/,
  },
  {
    name: 'short of space: only the log would be saved',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': 'dmesg_only_below 900T\n' });
      putArmed(system);
    },
    code: 5,
    check: 'room',
    says: /only the log is saved/,
    hint: /kcapture list/,
  },
  {
    name: 'short of space: not even the log fits',
    change: (system) => {
      const space = () => ({ totalBytes: 1024 ** 3, freeBytes: 1024 ** 2 });
      Object.assign(system, { files: { ...system.files, space } });
    },
    code: 4,
    check: 'room',
    says: /not even the log fits/,
    hint: /Make room/,
  },
  {
    name: 'a wrong line in the configuration',
    change: (system) => {
      system.put({ 'etc/kcapture.conf': 'pth /x\n' });
      putArmed(system);
    },
    code: 5,
    check: 'settings',
    says: /kcapture\.conf, line 1: /,
    hint: /kcapture config check/,
  },
  {
    name: 'a kernel built without what is needed',
    change: (system) => system.put({ [`boot/config-${testRelease}`]: 'CONFIG_KEXEC_CORE=y\n' }),
    code: 4,
    check: 'kernel',
    says: /lacks CONFIG_KEXEC_FILE/,
    hint: /CONFIG_KEXEC_FILE/,
  },
  {
    name: 'a processor that cannot run the executable',
    change: (system) => system.put({ 'proc/cpuinfo': 'processor : 0\nflags : fpu sse2\n' }),
    code: 4,
    check: 'processor',
    says: /sse4_2/,
    hint: /Nehalem/,
  },
  {
    name: 'the modules of the kernel are gone',
    change: (system) => system.drop(`lib/modules/${testRelease}`),
    code: 4,
    check: 'target',
    says: /modules of kernel/,
    hint: /depmod/,
  },
  {
    name: 'a crash loop',
    change: (system) => {
      for (const minutes of [1, 2, 3]) {
        const time = new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19).replace('T', '-');
        system.put({ [`var/crash/worker-${time}/manifest.json`]: JSON.stringify(buildManifest()) });
      }
    },
    code: 5,
    check: 'crash loop',
    says: /3 captures within 60 minutes/,
    hint: /kcapture show/,
  },
  {
    name: 'nothing loads it after a reboot',
    change: (system) => system.drop('etc/systemd/system/multi-user.target.wants'),
    code: 5,
    check: 'at boot',
    says: /is disabled/,
    hint: /systemctl enable/,
  },
];

for (const { name, change, code, check, says, hint } of states) {
  t.test(`${name}: exit code ${code}`, async (t) => {
    const system = await machine(t);
    change(system);
    const answer = await ask(system);
    const found = find(answer.status, check);
    t.match(found?.text, says);
    t.match(found?.hint, hint);
    t.equal(answer.code, code);
    t.equal(answer.status.exitCode, code);
    t.equal(answer.status.verdict, code === 4 ? 'unarmed' : 'attention');
    for (const line of answer.status.checks) if (line.level === 'warn' || line.level === 'fail') t.ok(line.hint, `${line.name} has a hint`);
    t.match(answer.text, code === 4 ? /Nothing would be saved/ : /The machine would start/);
  });
}

t.test('a raw target needs no mount', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': `raw UUID=${diskUuid}\n` });
  putArmed(system);
  const { status, code } = await ask(system);
  t.match(find(status, 'target'), { level: 'ok', text: /raw/ });
  t.equal(code, 0);
});

t.test('a file system that is not mounted is reachable, and its room is not known', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': `ext4 UUID=${diskUuid}\n`, 'proc/self/mountinfo': '30 1 254:9 / / rw - ext4 /dev/vdb rw\n' });
  putArmed(system);
  const { status, code } = await ask(system);
  t.match(find(status, 'target'), { text: /not mounted now/ });
  t.match(find(status, 'room'), { level: 'note', text: /not known/, hint: 'kcapture test' });
  t.equal(code, 0);
});

t.test('a user who is not root gets no false alarm for what he cannot see', async (t) => {
  const system = await machine(t);
  const kernel = { ...system.kernel, effectiveUserId: () => 1000 };
  system.drop('var/lib/kcapture');
  const { status } = await ask({ ...system, kernel } as ArmedMachine);
  t.match(find(status, 'image'), { level: 'note', hint: 'sudo kcapture status' });
  t.match(find(status, 'loaded'), { level: 'note', hint: 'sudo kcapture status' });
});

t.test('the last capture and how far an interrupted one came are told', async (t) => {
  const system = await machine(t);
  system.put({
    'var/crash/worker-2026-03-01-12:34:56/manifest.json': JSON.stringify(buildManifest({ panic: 'bad\x1b[2Jthing' })),
    'sys/fs/pstore/pmsg-ramoops-0': 'kcapture-stage dumping worker-2026-04-01-00:00:00 40 %\n',
  });
  const { status, text, code } = await ask(system);
  t.match(status.captures, [{ status: 'complete' }]);
  t.match(text, /last capture +complete: 2026-03-01 12:34:56, bad\\x1b\[2Jthing/);
  t.match(text, /a capture \(worker-2026-04-01-00:00:00\) came as far as "dumping": 40 %/);
  t.equal(code, 0);
});

t.test('when nothing is armed the machine stands still or reboots, as kernel.panic says', async (t) => {
  for (const [seconds, says] of [
    ['0', /would stand still/],
    ['30', /would reboot after 30 s/],
    ['-1', /would reboot at once/],
  ] as const) {
    const system = await machine(t);
    system.put({ 'sys/kernel/kexec_crash_loaded': '0\n', 'proc/sys/kernel/panic': `${seconds}\n` });
    t.match((await ask(system)).text, says);
  }
});

t.test('--quiet prints nothing', async (t) => {
  const system = await machine(t);
  t.equal(await run(system, testBuild, ['status', '-q']), 0);
  t.equal(system.printed.out, '');
});

t.test('a target on the network: tried or not, and its address in the image', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': 'nfs files.example:/export\n' });
  putArmed(system);
  const before = await ask(system);
  t.match(find(before.status, 'target'), {
    level: 'note',
    text: /files\.example \(192\.0\.2\.7\), never tried/,
    hint: /target check nfs:/,
  });
  const folder = nfsFolder({ host: 'files.example', exported: '/export' });
  system.put({ [`${folder}/server.json`]: '{"checkedAt":"2026-03-01T10:00:00Z","bytesPerSecond":104857600}' });
  const after = await ask(system);
  t.match(find(after.status, 'target'), { level: 'ok', text: /last tried 2026-03-01, 100 MiB a second/ });
  t.equal(after.code, 0);
});

t.test('a server that moved: the image has its old address', async (t) => {
  const names: Record<string, string[]> = { 'files.example': ['192.0.2.7'] };
  const system = await machine(t, { programs: buildNames(names) });
  system.put({ 'etc/kcapture.conf': 'nfs files.example:/export\n' });
  putArmed(system);
  names['files.example'] = ['192.0.2.8'];
  const { status, code } = await ask(system);
  t.match(find(status, 'target'), { level: 'warn', text: /192\.0\.2\.8 now, the image has 192\.0\.2\.7/, hint: /--rebuild/ });
  t.match(find(status, 'image'), { level: 'ok' });
  t.equal(code, 5);
  names['files.example'] = [];
  t.match(find((await ask(system)).status, 'target'), { text: /no address .* can be found now, the image has 192\.0\.2\.7/ });
});
