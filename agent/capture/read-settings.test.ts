import t, { type Test } from 'tap';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { readSettings, type SettingsRequest } from './read-settings.ts';

const request: SettingsRequest = {
  source: '/proc/vmcore',
  mode: 'full',
  unattended: true,
  startedAt: 0,
  build: { version: '1', commit: 'x' },
  folders: [],
  configurationPath: undefined,
  planPath: undefined,
};
const target = { kind: 'filesystem', wish: 'ext4', device: 'UUID=1', fsType: 'ext4', options: '', folder: '/var/crash', layers: [] };
const plan = {
  version: 1,
  builtAt: '2026-01-01T00:00:00Z',
  kcapture: { version: '1', commit: 'x' },
  host: 'a',
  kernelRelease: '6',
  targets: [target],
  root: { ...target, wish: 'root' },
  modules: [],
  inputHash: '',
};

async function read(t: Test, files: Record<string, string>, changes: Partial<SettingsRequest> = {}) {
  const { system } = await createCaptureMachine(t, { files });
  return readSettings(system, { ...request, ...changes });
}

t.test('configuration and plan come from the image', async (t) => {
  const settings = await read(t, {
    '/etc/kcapture.conf': 'ext4 UUID=1\ntime_limit 90\n',
    '/etc/kcapture/armed.json': JSON.stringify(plan),
  });
  t.match(settings, { configuration: { timeLimitSeconds: 90 }, targets: [target], problems: [], hooks: true, inCaptureKernel: true });
});

t.test('without a plan, what the configuration names is tried, and the rest says why not', async (t) => {
  const settings = await read(t, { '/etc/kdump.conf': 'ext4 UUID=1\npath /dumps\n' });
  t.match(settings.targets, [{ kind: 'filesystem', device: 'UUID=1', folder: '/dumps' }]);
  t.match(settings.problems, [/There is no \/etc\/kcapture\/armed\.json/]);
  t.match((await read(t, { '/etc/kcapture.conf': 'path /dumps\n' })).targets, [{ kind: 'unsupported', why: /no plan/ }]);
});

t.test('a broken plan and a broken line are told, and the rest holds', async (t) => {
  const settings = await read(t, { '/etc/kcapture.conf': 'ext4 UUID=1\ntime_limit never\n', '/etc/kcapture/armed.json': '[]' });
  t.match(settings.problems, [/kcapture\.conf:2/, /armed\.json/]);
  t.match(settings.targets, [{ device: 'UUID=1' }]);
});

t.test('nothing at all is still a run', async (t) => {
  const settings = await read(t, {});
  t.match(settings.targets, [{ kind: 'unsupported' }]);
  t.equal(settings.problems.length, 2);
});

t.test('words on the command line win, over the plan too', async (t) => {
  const files = { '/etc/kcapture.conf': 'ext4 UUID=1\n', '/etc/kcapture/armed.json': JSON.stringify(plan) };
  const cmdline = 'elfcorehdr=0x1 kcapture.path=/other kcapture.final_action=poweroff';
  t.match(await read(t, { ...files, '/proc/cmdline': cmdline }), {
    configuration: { finalAction: 'poweroff' },
    targets: [{ ...target, folder: '/other' }],
  });
  const elsewhere = await read(t, { ...files, '/proc/cmdline': 'elfcorehdr=0x1 kcapture.target=UUID=9,xfs' });
  t.match(elsewhere.targets, [{ device: 'UUID=9', fsType: 'xfs' }]);
  t.equal((await read(t, { ...files, '/proc/cmdline': 'elfcorehdr=0x1 kcapture.skip' })).skip, true);
});

t.test('a server that is named on the command line is reached by the network of the plan', async (t) => {
  const network = { links: [], addresses: [], routes: [], nameServers: [], searchDomains: [], leased: [] };
  const known = {
    ...{ kind: 'remote', wish: 'ssh me@srv', addresses: ['192.0.2.1'], credentials: '/etc/kcapture/targets/x', canRename: true },
    place: { kind: 'ssh', user: 'me', host: 'srv', port: 22, path: '/var/crash' },
  };
  const ownPath = { ...known, place: { ...known.place, path: '/own' } };
  const nfs = { kind: 'nfs', wish: 'nfs srv:/x', host: 'srv', addresses: ['192.0.2.1'], exported: '/x', options: '', folder: '/var/crash' };
  const onNetwork = { ...plan, network, targets: [known, ownPath, nfs] };
  const files = { '/etc/kcapture.conf': 'ssh me@srv\n', '/etc/kcapture/armed.json': JSON.stringify(onNetwork) };
  const boot = 'elfcorehdr=0x1 ';
  const words = 'kcapture.target=ssh://you@srv/~/a kcapture.target=nfs:srv:/y,vers=3 kcapture.target=https://198.51.100.7/z';
  t.match((await read(t, { ...files, '/proc/cmdline': boot + words })).targets, [
    {
      kind: 'remote',
      place: { user: 'you', path: '~/a' },
      addresses: ['192.0.2.1'],
      credentials: /^\/etc\/kcapture\/targets\/ssh-you-at-srv-/,
      canRename: false,
    },
    { kind: 'nfs', host: 'srv', exported: '/y', options: 'vers=3', addresses: ['192.0.2.1'], folder: '/var/crash' },
    { kind: 'remote', place: { kind: 'http' }, addresses: ['198.51.100.7'] },
  ]);
  t.match((await read(t, { ...files, '/proc/cmdline': `${boot}kcapture.path=/other` })).targets, [
    { place: { path: '/other' } },
    { place: { path: '/own' } },
    { folder: '/other' },
  ]);
  const without = await read(t, { '/etc/kcapture.conf': 'ssh me@srv\nnfs srv:/x\n' });
  t.match(without.targets, [
    { kind: 'unsupported', wish: 'ssh me@srv', why: /no plan/ },
    { kind: 'unsupported', wish: 'nfs srv:/x' },
  ]);
});

t.test('dump_to_rootfs adds the root of the plan as the last target', async (t) => {
  const files = { '/etc/kcapture.conf': 'ext4 UUID=1\nfailure_action dump_to_rootfs\n', '/etc/kcapture/armed.json': JSON.stringify(plan) };
  t.match((await read(t, files)).targets, [{ wish: 'ext4' }, { wish: 'root' }]);
});

t.test('a folder by hand needs neither plan nor configuration, and runs no hooks', async (t) => {
  const settings = await read(t, {}, { folders: ['/mnt'], unattended: false });
  t.match(settings, { targets: [{ kind: 'folder', folder: '/mnt' }], problems: [], hooks: false });
});
