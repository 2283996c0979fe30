import t, { type Test } from 'tap';
import type { ArmedTarget } from '../../config/armed-plan.ts';
import { readConfiguration } from '../../config/read-configuration.ts';
import { findNetworkDrivers } from '../../linux/device-modules.ts';
import { openModuleTree } from '../../linux/module-tree.ts';
import { messageType } from '../../linux/netlink/message.ts';
import { KernelCallError } from '../../sys/kernel-error.ts';
import type { System } from '../../sys/system.ts';
import { type BusDevice, putCard } from '../../testing/build-devices.ts';
import { buildModuleLists, builtRelease } from '../../testing/build-modules.ts';
import { nodeKernelCalls } from '../../testing/node-kernel-calls.ts';
import { replayNetwork } from '../../testing/recorded-network.ts';
import { createRootedSystem, putTree, type RootedSystem } from '../../testing/rooted-system.ts';
import { currentInputHash, resolvePlan } from '../resolve-plan.ts';
import { armNetwork } from './arm-network.ts';

const options = { kernelRelease: builtRelease, build: { version: '1', commit: 'abc' } };
const virtio = (at: number): readonly BusDevice[] => [
  { folder: 'pci0000:00' },
  { folder: `0000:00:0${at}.0`, driver: 'virtio-pci', module: 'virtio_pci' },
  { folder: `virtio${at}`, driver: 'virtio_net', module: 'virtio_net' },
];
const nowMs = Date.UTC(2026, 2, 4);
const nfs = (...addresses: string[]): ArmedTarget => {
  return { kind: 'nfs', wish: 'nfs files:/export', host: 'files', addresses, exported: '/export', options: '', folder: '/' };
};

type Tools = { readonly installed?: readonly string[]; readonly applets?: string };

/** With the network of the recording. */
async function machine(
  t: Test,
  { installed = ['dhclient', 'mv'], applets = '' }: Tools = {},
  overrides: Partial<System> = {},
): Promise<RootedSystem> {
  const root = t.testdir({});
  putTree(root, {
    ...buildModuleLists(),
    '/usr/bin/kcapture': 'executable',
    '/etc/resolv.conf': 'nameserver 192.0.2.9\nsearch corp.example\n',
  });
  for (const at of [0, 1]) putCard(root, { name: `eth${at}`, bus: virtio(at) });
  const programs: System['programs'] = {
    run: () => ({ status: 0, stdout: applets, stderr: '' }),
    find: (name) => (installed.includes(name) ? `/usr/sbin/${name}` : undefined),
  };
  const kernel = { ...nodeKernelCalls, routeNetlink: replayNetwork, permanentAddress: () => undefined, wallClockMs: () => nowMs };
  return createRootedSystem(root, { executablePath: '/usr/bin/kcapture', programs, kernel, ...overrides });
}

t.test('a VLAN on a bond of two cards, with a leased address', async (t) => {
  const resolved = resolvePlan(await machine(t), readConfiguration('nfs 198.51.100.9:/export\n', undefined).configuration, options);
  const card = { kind: 'device', address: '52:54:00:00:00:01', mtu: 1500, master: 'bond0', driver: 'virtio_net' };
  t.same(resolved.plan.network, {
    links: [
      {
        ...{ kind: 'bond', name: 'bond0', address: '52:54:00:00:00:01', mtu: 1500, master: undefined },
        ...{ mode: '802.3ad', miimonMs: 100, lacpRate: 'fast', transmitHashPolicy: 'layer3+4' },
      },
      { ...card, name: 'eth0', permanentAddress: '52:54:00:00:00:01' },
      { ...card, name: 'eth1', permanentAddress: '52:54:00:00:00:02' },
      {
        ...{ kind: 'vlan', name: 'bond0.30', address: '52:54:00:00:00:01', mtu: 1400, master: undefined },
        ...{ parent: 'bond0', id: 30, protocol: '802.1Q' },
      },
    ],
    addresses: [{ link: 'bond0.30', address: '192.0.2.7/24', validUntilMs: nowMs + 3_598_000 }],
    routes: [{ link: 'bond0.30', destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7' }],
    nameServers: ['192.0.2.9'],
    searchDomains: ['corp.example'],
    leased: ['bond0.30'],
  });
  const names = resolved.modules.map(({ name }) => name);
  t.ok(
    ['virtio_pci', 'failover', 'virtio_net', 'bonding', 'llc', '8021q', 'af_packet'].every((name) => names.includes(name)),
    names.join(' '),
  );
  t.ok(names.indexOf('llc') < names.indexOf('stp') && names.indexOf('stp') < names.indexOf('8021q'));
  t.same(resolved.programs, ['/usr/sbin/dhclient', '/usr/sbin/mv']);
});

t.test('the image is stale when the network is another, not when a lease was renewed', async (t) => {
  const configuration = readConfiguration('nfs 198.51.100.9:/export\n', undefined).configuration;
  const system = await machine(t);
  const hash = (kernel: Partial<System['kernel']>) =>
    currentInputHash({ ...system, kernel: { ...system.kernel, ...kernel } }, configuration, options);
  const first = hash({});
  t.equal(hash({ wallClockMs: () => nowMs + 3_600_000 }), first);
  const changeByte = (from: string, to: string) => (request: Uint8Array, timeoutMs: number) =>
    replayNetwork(request, timeoutMs).map(
      (message) => new Uint8Array(Buffer.from(Buffer.from(message).toString('hex').replaceAll(from, to), 'hex')),
    );
  t.not(hash({ routeNetlink: changeByte('c0000207', 'c0000208') }), first, 'another address');
  t.not(hash({ routeNetlink: changeByte('525400000002', '525400000003') }), first, 'another card');
  t.not(hash({ routeNetlink: nodeKernelCalls.routeNetlink }), first, 'no network');
});

t.test('targets that a capture kernel never reaches are said to be so', async (t) => {
  const system = await machine(t);
  const { targets, network, needs } = armNetwork(system, [nfs('127.0.0.1'), nfs('203.0.113.1'), nfs('203.0.113.1', '198.51.100.9')]);
  t.match(targets, [
    { kind: 'unsupported', wish: 'nfs files:/export', why: /127\.0\.0\.1 is this machine itself/ },
    { kind: 'nfs' },
    { kind: 'nfs' },
  ]);
  t.match(network, { links: [{ name: 'bond0' }, {}, {}, {}] });
  t.match(needs.warnings, [
    /\(127\.0\.0\.1\) is out of reach .* Name another target/,
    /\(203\.0\.113\.1\) is out of reach .* unreachable.* kcapture load --rebuild/,
  ]);
  t.equal(needs.warnings.length, 2, 'one of two addresses is enough');
});

t.test('without a target on the network nobody asks for it', async (t) => {
  const system = await machine(t, {}, { kernel: nodeKernelCalls });
  const local: ArmedTarget = { kind: 'raw', wish: 'raw /dev/vda', device: '/dev/vda', layers: [] };
  t.match(armNetwork(system, [local]), { targets: [local], network: undefined, needs: { warnings: [] } });
});

t.test('a network that cannot be asked for is a warning', async (t) => {
  const system = await machine(t, {}, { kernel: nodeKernelCalls });
  const { targets, network, needs } = armNetwork(system, [nfs('198.51.100.9')]);
  t.match([targets[0].kind, network], ['nfs', undefined]);
  t.match(needs.warnings, [/out of reach in the capture kernel: this machine's network cannot be told: Cannot ask the kernel/]);
});

t.test('an image that knew the way keeps it while the network is not up', async (t) => {
  const configuration = readConfiguration('nfs files.example:/export\n', undefined).configuration;
  const up = await machine(t, {}, {});
  const lookUp = { ...up.programs, run: () => ({ status: 0, stdout: '198.51.100.9 STREAM files.example\n', stderr: '' }) };
  const { plan } = resolvePlan({ ...up, programs: lookUp }, configuration, options);
  t.equal(plan.network?.links.length, 4);
  putTree(up.root, { '/var/lib/kcapture/kcapture-5.5.5.json': JSON.stringify({ ...plan, kernelRelease: '5.5.5' }) });
  const unknown = { ...up.programs, run: () => ({ status: 2, stdout: '', stderr: '' }) };
  const nowhere = (request: Uint8Array, timeoutMs: number) => {
    if (messageType(request) !== 26) return replayNetwork(request, timeoutMs);
    throw new KernelCallError('ENETUNREACH', 'Cannot ask: network is unreachable (ENETUNREACH)');
  };
  const down = { ...up, programs: unknown, kernel: { ...up.kernel, routeNetlink: nowhere } };
  const atBoot = resolvePlan(down, configuration, options);
  t.same(atBoot.plan.network, plan.network);
  t.match(atBoot.plan.targets, [{ addresses: ['198.51.100.9'] }]);
  t.same(atBoot.plan.modules, plan.modules);
  t.equal(atBoot.plan.inputHash, plan.inputHash, 'so it is not stale');
  t.ok(atBoot.warnings.some((text) => /does not lead to every target now: what was armed at 2026-03-04T00:00:00.000Z is kept/.test(text)));
  const elsewhere = armNetwork(down, [nfs('2001:db8::1')], plan);
  t.equal(elsewhere.network, undefined, 'it never led there');
});

t.test('who asks for a lease anew', async (t) => {
  const needsOf = async (tools: Tools) => armNetwork(await machine(t, tools), [nfs('198.51.100.9')]).needs;
  t.same((await needsOf({ installed: ['busybox', 'dhclient'], applets: 'udhcpc\nsh\n' })).programs, ['busybox', 'mv']);
  t.same((await needsOf({ installed: ['busybox', 'dhclient'], applets: 'udhcpc6\nsh\n' })).programs, ['dhclient', 'mv']);
  const none = await needsOf({ installed: [] });
  t.same([none.programs, none.optionalModules], [[], []]);
  t.match(none.warnings, [/address of bond0\.30 comes by DHCP and no client for it is installed \(udhcpc, /]);
});

t.test('drivers of a card: its bus, its transceiver, and the function a virtual one asks', async (t) => {
  const root = t.testdir({});
  putTree(root, buildModuleLists());
  const system = await createRootedSystem(root);
  const tree = openModuleTree(system, builtRelease);
  putCard(root, {
    name: 'ens1',
    bus: [{ folder: 'pci0000:00' }, { folder: '0000:00:09.1', driver: 'ixgbevf', module: 'ixgbevf' }],
    transceiver: { folder: 'mdio0', driver: 'Marvell 88E1510', module: 'marvell' },
    physical: { folder: 'pci0000:09', driver: 'ixgbe', module: 'ixgbe' },
  });
  t.same(findNetworkDrivers(system, 'ens1', tree).toSorted(), ['ixgbe', 'ixgbevf', 'marvell']);
  t.same(findNetworkDrivers(system, 'veth0', tree), []);
});
