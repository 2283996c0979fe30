import t from 'tap';
import type { ArmedPlan } from '../config/armed-plan.ts';
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

t.test('a plan is read as it was written', async (t) => {
  t.same(parsePlan(JSON.stringify(plan)), plan);
  const withRoot = { ...plan, root: plan.targets[0] };
  t.same(parsePlan(JSON.stringify(withRoot)), withRoot);
});

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
