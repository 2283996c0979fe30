import t from 'tap';
import type { ArmedPlan, ArmedTarget } from '../config/armed-plan.ts';
import type { RemotePlace } from '../config/remote-place.ts';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { parsePlan, readPlan } from './plan.ts';

const plan: ArmedPlan = {
  version: 1,
  builtAt: '2026-01-02T03:04:05.000Z',
  kcapture: { version: '1.0.0', commit: 'abc' },
  host: 'server',
  machineId: '0123456789abcdef0123456789abcdef',
  kernelRelease: '6.12.1',
  targets: [
    {
      kind: 'filesystem',
      wish: 'ext4 UUID=1',
      device: 'UUID=1',
      fsType: 'ext4',
      options: 'subvol=/@crash',
      folder: '/var/crash',
      layers: [
        { kind: 'luks', uuid: '11-22', name: 'crypt', keyFile: '/etc/key' },
        { kind: 'lvm', volumeGroup: 'vg', logicalVolume: 'lv-1' },
        { kind: 'md', uuid: '1:2:3:4' },
      ],
    },
    { kind: 'raw', wish: 'raw PARTUUID=2', device: 'PARTUUID=2', layers: [] },
    { kind: 'unsupported', wish: 'nfs a:/b', why: 'no network' },
  ],
  modules: ['/usr/lib/modules/a.ko'],
  inputHash: 'ff',
};

const link = { address: '02:00:00:00:00:0a', mtu: 1500, master: undefined };
const s3 = { kind: 's3', bucket: 'dumps', prefix: '', endpoint: 'https://s3.example.org:9000', region: 'eu', style: 'path' } as const;

const onNetwork: ArmedPlan = {
  ...plan,
  targets: [
    { kind: 'nfs', wish: 'nfs', host: 'files', addresses: ['192.0.2.1'], exported: '/srv', options: 'vers=4.2', folder: '/var/crash' },
    remote({ kind: 'ssh', user: 'kdump', host: 'files', port: 22, path: '~/dumps' }),
    remote({ kind: 'ssh', user: 'kdump', host: 'files', port: 22, path: undefined }),
    remote({ kind: 'http', secure: true, host: '2001:db8::1', port: 443, path: '/dumps' }),
    remote(s3),
  ],
  network: {
    links: [
      { ...link, kind: 'bond', name: 'bond0', mode: '802.3ad', miimonMs: 100, lacpRate: 'fast', transmitHashPolicy: 'layer3+4' },
      { ...link, kind: 'device', name: 'ens3', permanentAddress: '02:00:00:00:00:0b', driver: 'virtio_net', master: 'bond0' },
      { ...link, kind: 'vlan', name: 'bond0.5', parent: 'bond0', id: 5, protocol: '802.1Q' },
      { ...link, kind: 'bridge', name: 'br0', stp: false },
    ],
    addresses: [
      { link: 'bond0.5', address: '192.0.2.7/24', validUntilMs: undefined },
      { link: 'bond0.5', address: '2001:db8::7/64', validUntilMs: 1_700_000_000_000 },
    ],
    routes: [
      { link: 'bond0.5', destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7' },
      { link: 'bond0.5', destination: '198.51.100.0/24', gateway: undefined, source: undefined },
    ],
    nameServers: ['192.0.2.53', 'fe80::1%bond0.5'],
    searchDomains: ['example.org'],
    leased: ['bond0.5'],
  },
};

function remote(place: RemotePlace): ArmedTarget {
  return { kind: 'remote', wish: place.kind, place, addresses: ['2001:db8::1'], credentials: '/etc/kcapture/targets/x', canRename: false };
}

t.test('a plan is read as it was written', async (t) => {
  t.same(parsePlan(JSON.stringify(plan)), plan);
  const withRoot = { ...plan, root: plan.targets[0] };
  t.same(parsePlan(JSON.stringify(withRoot)), withRoot);
});

t.test('targets on the network and the way to them are read as they were written', async (t) => {
  t.same(parsePlan(JSON.stringify(onNetwork)), onNetwork);
});

t.test('every member of the network and of targets on it is checked', async (t) => {
  const wrong = [null, 7.5, -1, '', 'x y/../\0', [[]], {}];
  const optional = ['master', 'driver', 'path', 'validUntilMs', 'gateway', 'source', 'lacpRate', 'transmitHashPolicy'];
  const texts = [
    'address',
    'permanentAddress',
    'wish',
    'options',
    'prefix',
    'driver',
    'path',
    'host',
    'user',
    'bucket',
    'region',
    'transmitHashPolicy',
  ];
  const visit = (value: unknown, path: readonly (string | number)[]) => {
    const name = String(path.at(-1));
    for (const replacement of wrong) {
      const isAllowed = (replacement === null && optional.includes(name)) || (typeof replacement === 'string' && texts.includes(name));
      if (isAllowed || JSON.stringify(replacement) === JSON.stringify(value)) continue;
      const damaged = JSON.parse(JSON.stringify(onNetwork));
      const parent = path.slice(0, -1).reduce((place, step) => place[step], damaged);
      parent[path.at(-1) as string] = replacement;
      if (Array.isArray(value) && Array.isArray(replacement)) continue;
      t.throws(
        () => parsePlan(JSON.stringify(damaged)),
        { code: 'capture/bad-plan' },
        `${path.join('.')} = ${JSON.stringify(replacement)}`,
      );
    }
    if (typeof value === 'object' && value !== null) for (const [key, member] of Object.entries(value)) visit(member, [...path, key]);
  };
  const { targets, network } = JSON.parse(JSON.stringify(onNetwork));
  visit(network, ['network']);
  for (const [index, target] of targets.entries()) visit(target, ['targets', index]);
});

const hostile: [what: string, index: number, change: Record<string, unknown>][] = [
  ['credentials elsewhere', 1, { credentials: '/root/.ssh' }],
  ['credentials that climb', 1, { credentials: '/etc/kcapture/targets/../../shadow' }],
  ['credentials of all targets at once', 1, { credentials: '/etc/kcapture/targets' }],
  ['a user with a line break', 1, { place: { kind: 'ssh', user: 'a\nb', host: 'files', port: 22, path: '/x' } }],
  ['a user that is an option', 1, { place: { kind: 'ssh', user: '-oX', host: 'files', port: 22, path: '/x' } }],
  ['a host that is none', 1, { place: { kind: 'ssh', user: 'a', host: 'b/c', port: 22, path: '/x' } }],
  ['a folder that climbs', 1, { place: { kind: 'ssh', user: 'a', host: 'b', port: 22, path: '/x/../..' } }],
  ['a folder from nowhere', 1, { place: { kind: 'ssh', user: 'a', host: 'b', port: 22, path: 'x' } }],
  ['a host with a header in it', 3, { place: { kind: 'http', secure: true, host: 'b\r\nX: y', port: 443, path: '/' } }],
  ['a path with a line break', 3, { place: { kind: 'http', secure: true, host: 'b', port: 443, path: '/a\r\nX: y' } }],
  ['a path with a query', 3, { place: { kind: 'http', secure: true, host: 'b', port: 443, path: '/a?b' } }],
  ['a bucket that is a host', 4, { place: { ...s3, bucket: 'evil.example.org/' } }],
  ['an endpoint with a user', 4, { place: { ...s3, endpoint: 'https://a:b@c' } }],
  ['a region that is a host', 4, { place: { ...s3, region: 'a.b' } }],
  ['an NFS host that is a path', 0, { host: '/a' }],
  ['an NFS export that climbs', 0, { exported: '/a/../b' }],
];
for (const [what, index, change] of hostile) {
  t.test(`a target with ${what} is refused`, async (t) => {
    const targets = onNetwork.targets.map((target, at) => (at === index ? { ...target, ...change } : target));
    t.throws(() => parsePlan(JSON.stringify({ ...onNetwork, targets })), {
      code: 'capture/bad-plan',
      message: new RegExp(`targets\\[${index}\\]`),
    });
  });
}

t.test('what is optional may be missing', async (t) => {
  const { machineId: _machineId, ...rest } = plan;
  t.equal(parsePlan(JSON.stringify(rest)).machineId, undefined);
});

t.test('no file is no plan, and a broken one is an error that names it', async (t) => {
  const root = t.testdir();
  const system = await createRootedSystem(root);
  t.equal(readPlan(system), undefined);
  putTree(root, { '/etc/kcapture/armed.json': '{' });
  t.throws(() => readPlan(system), { code: 'capture/bad-plan', message: /armed\.json.*no JSON/ });
});

type Change = [what: string, change: (plan: Record<string, unknown> & { targets: Record<string, unknown>[] }) => void, says: RegExp];
const changes: readonly Change[] = [
  ['another version', (p) => (p.version = 2), /member version.*found 2, expected 1/],
  ['no host', (p) => delete p.host, /member host.*undefined/],
  ['a number for a host', (p) => (p.host = 7), /member host.*number/],
  ['a text with NUL', (p) => (p.host = 'a\0b'), /member host/],
  ['targets that are no list', (p) => (p.targets = {} as never), /member targets/],
  ['too many modules', (p) => (p.modules = Array.from({ length: 5000 }, () => '/a')), /member modules.*5000/],
  ['a relative module', (p) => (p.modules = ['a.ko']), /modules\[0\].*absolute/],
  ['a module by way of ..', (p) => (p.modules = ['/a/../b.ko']), /modules\[0\]/],
  ['an unknown kind', (p) => (p.targets[0].kind = 'tape'), /targets\[0\]\.kind.*tape/],
  ['a folder that climbs', (p) => (p.targets[0].folder = '/a/../../etc'), /targets\[0\]\.folder/],
  ['no device', (p) => (p.targets[1].device = ''), /targets\[1\]\.device.*empty/],
  [
    'a volume that is an option',
    (p) => (p.targets[0].layers = [{ kind: 'lvm', volumeGroup: '--config', logicalVolume: 'a' }]),
    /volumeGroup/,
  ],
  ['a mapping that is a path', (p) => (p.targets[0].layers = [{ kind: 'luks', uuid: 'a', name: '../sda', keyFile: '/k' }]), /name/],
  ['a layer of an unknown kind', (p) => (p.targets[0].layers = [{ kind: 'zfs' }]), /layers\[0\]\.kind/],
  ['null for a target', (p) => (p.targets[0] = null as never), /targets\[0\].*null/],
];
for (const [what, change, says] of changes) {
  t.test(`a plan with ${what} is refused`, async (t) => {
    const copy = JSON.parse(JSON.stringify(plan));
    change(copy);
    t.throws(() => parsePlan(JSON.stringify(copy)), { code: 'capture/bad-plan', message: says });
  });
}

t.test('a plan that is cut or changed anywhere is a plan or an error, never a crash', async (t) => {
  const text = JSON.stringify(plan);
  for (let at = 0; at < text.length; at++) {
    for (const damaged of [text.slice(0, at), `${text.slice(0, at)}0${text.slice(at + 1)}`, `${text.slice(0, at)}"${text.slice(at + 1)}`]) {
      try {
        parsePlan(damaged);
      } catch (error) {
        if ((error as { code?: string }).code !== 'capture/bad-plan') t.fail(`${damaged}: ${error}`);
      }
    }
  }
});
