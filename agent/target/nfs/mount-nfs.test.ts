/** Servers that answer, refuse, are silent or come late. The process that mounts is played by a function that looks at the options it is given. */
import t, { type Test } from 'tap';
import type { MountRequest } from '../../sys/kernel-interface.ts';
import { type CaptureMachine, createCaptureMachine } from '../../testing/capture-machine.ts';
import { openTarget } from '../open-target.ts';
import type { NfsTarget } from './mount-nfs.ts';

const target: NfsTarget = {
  kind: 'nfs',
  wish: 'nfs srv:/export',
  host: 'srv',
  addresses: ['192.0.2.1'],
  exported: '/export',
  options: '',
  folder: '/var/crash',
};
const point = '/run/kcapture/target/0';
const mountLine = `40 1 0:50 / ${point} rw - nfs4 srv:/export rw\n`;
const uniqueId = '/sys/module/nfs/parameters/nfs4_unique_id';

/** `undefined`: mounted. `silent`: the process has to be ended. Else the name of an error. */
type Server = (words: { readonly version: string; readonly address: string }, machine: CaptureMachine) => string | undefined;

async function setUp(t: Test, server: Server, files: Readonly<Record<string, string>> = {}) {
  const asked: string[] = [];
  const limits: number[] = [];
  const machine: CaptureMachine = await createCaptureMachine(t, {
    files: { '/proc/self/mountinfo': '', ...files },
    system: () => ({
      programs: {
        find: () => undefined,
        run(_argv, { input, timeoutMs = 0 } = {}) {
          const { options = '', unmount } = JSON.parse(String(input)) as MountRequest & { unmount?: string };
          if (unmount !== undefined) {
            machine.calls.push(`unmount ${unmount} within ${timeoutMs}`);
            return { status: 0, stdout: '{"mounted":true}', stderr: '' };
          }
          const [, version] = /vers=([^,]*)/.exec(options) ?? [];
          const [, address] = /addr=([^,]*)/.exec(options) ?? [];
          asked.push(`${version} ${address}`);
          limits.push(timeoutMs);
          const errno = server({ version, address }, machine);
          if (errno === 'silent') {
            machine.clock.ms += timeoutMs;
            return { status: 124, stdout: '', stderr: '' };
          }
          const answer = errno === undefined ? { mounted: true } : { mounted: false, errno, reason: `it says ${errno}` };
          return { status: 0, stdout: JSON.stringify(answer), stderr: '' };
        },
      },
    }),
  });
  const beats: number[] = [];
  const open = (changes: Partial<NfsTarget> = {}, seconds = 60, clientName?: string) =>
    openTarget(
      machine.system,
      { ...target, ...changes },
      {
        index: 0,
        endsAt: machine.clock.ms + seconds * 1000,
        clientName,
        onWait: () => void beats.push(machine.clock.ms),
      },
    );
  return { machine, asked, limits, beats, open };
}

t.test('the newest version that the server has is mounted, and let go of lazily', async (t) => {
  const { machine, asked, open } = await setUp(t, ({ version }) => (version.startsWith('4') ? 'EPROTONOSUPPORT' : undefined));
  const opened = open();
  t.match(opened, { kind: 'folder', folder: `${point}/var/crash` });
  t.same(asked, ['4.2 192.0.2.1', '4.1 192.0.2.1', '4.0 192.0.2.1', '3 192.0.2.1']);
  opened.close();
  t.same(machine.calls, [`unmount ${point} within 10000`]);
});

t.test('each address is tried; one that does not answer is not asked for every version', async (t) => {
  const { asked, open } = await setUp(t, ({ address }) => (address === '192.0.2.1' ? 'silent' : undefined));
  open({ addresses: ['192.0.2.1', '2001:db8::1'] });
  t.same(asked, ['4.2 192.0.2.1', '4.2 2001:db8::1']);
});

t.test('a server that comes late is waited for, with a sign of life before each attempt', async (t) => {
  const { machine, limits, beats, open } = await setUp(t, (_words, { clock }) => (clock.ms < 45_000 ? 'silent' : undefined));
  open();
  t.ok(machine.clock.ms < 70_000);
  t.ok(limits.every((limit) => limit <= 20_000));
  t.ok(beats.length >= limits.length);
});

t.test('a server that never answers is given up at the limit', async (t) => {
  const { machine, open } = await setUp(t, () => 'silent');
  const before = machine.clock.ms;
  t.throws(() => open({}, 50), {
    code: 'target/mount',
    message: /Cannot mount srv:\/export for "nfs srv:\/export": NFS 4\.2: the server does not answer/,
    hint: /2049/,
  });
  t.ok(machine.clock.ms - before <= 60_000);
  t.same(machine.calls, [], 'nothing was mounted');
});

t.test('what refuses is told with each version, and not asked again', async (t) => {
  const { asked, open } = await setUp(t, ({ version }) => (version === '3' ? 'EPROTONOSUPPORT' : 'EACCES'));
  t.throws(() => open(), {
    code: 'target/mount',
    message: /NFS 4\.2: the server does not let this machine have the export \(EACCES\); .*NFS 3: the server does not speak this version/,
    hint: /sec=sys/,
  });
  t.equal(asked.length, 4);
});

t.test('a kernel without NFS is not asked a second time', async (t) => {
  const { asked, open } = await setUp(t, () => 'ENODEV');
  t.throws(() => open(), { code: 'target/mount', message: /no driver for NFS/, hint: /nfsv4/ });
  t.equal(asked.length, 1);
});

t.test('without an address nothing is asked', async (t) => {
  const { asked, open } = await setUp(t, () => undefined);
  t.throws(() => open({ addresses: [] }), { code: 'target/unresolved', message: /no address of srv/, hint: /load --rebuild/ });
  t.same(asked, []);
});

t.test('an attempt that was ended and mounted all the same counts', async (t) => {
  const { asked, open } = await setUp(t, (_words, machine) => {
    machine.system.files.write('/proc/self/mountinfo', mountLine);
    return 'silent';
  });
  t.equal(open().kind, 'folder');
  t.equal(asked.length, 1);
});

t.test('what an agent that died has mounted is let go of first', async (t) => {
  const { machine, open } = await setUp(t, () => undefined, { '/proc/self/mountinfo': mountLine });
  open();
  t.same(machine.calls, [`unmount ${point} within 10000`]);
});

t.test('the server is told a name of this machine alone, where the driver takes one', async (t) => {
  const named = await setUp(t, () => undefined, { [uniqueId]: '' });
  named.open({}, 60, `kcapture-${'0'.repeat(80)}`);
  t.equal(named.machine.read(uniqueId), `kcapture-${'0'.repeat(54)}`);
  const without = await setUp(t, () => undefined);
  without.open({}, 60, 'kcapture-1');
  t.notOk(without.machine.system.exists(uniqueId));
});

t.test('a server that takes the superuser for nobody is explained', async (t) => {
  const { machine, open } = await setUp(t, () => undefined);
  const { files } = machine.system;
  const forbidden = Object.assign(new Error('permission denied'), { code: 'files/permission' });
  const makeFolder = (path: string, mode?: number) => {
    if (path.endsWith('/var/crash')) throw forbidden;
    files.makeFolder(path, mode);
  };
  const system = { ...machine.system, files: { ...files, makeFolder } };
  t.throws(() => openTarget(system, target, { index: 0, endsAt: 60_000 }), { code: 'target/mount', hint: /no_root_squash/ });
  t.same(machine.calls, [`unmount ${point} within 10000`]);
  t.ok(open);
});
