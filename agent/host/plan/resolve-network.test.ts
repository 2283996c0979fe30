/** Networks made by `ip` in namespaces of their own, and what the product says of them. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { putTree } from '../../testing/rooted-system.ts';

const isMissing = (name: string) => !['/bin', '/sbin', '/usr/bin', '/usr/sbin'].some((folder) => existsSync(`${folder}/${name}`));
const skip = process.geteuid?.() !== 0 ? 'needs root' : isMissing('ip') ? 'needs ip' : false;
const driver = 'node_modules/.bin/bun agent/testing/resolve-network-driver.ts';
const cable =
  'ip link set lo up; ip link add ens3 type veth peer name far; ip link set far up; ip link set ens3 address 02:00:00:00:00:0a mtu 1400 up';
const both = 'ip addr add 192.0.2.7/24 dev ens3; ip addr add 2001:db8::7/64 dev ens3 nodad; ip route add default via 192.0.2.1';
const card = {
  name: 'ens3',
  address: '02:00:00:00:00:0a',
  mtu: 1400,
  kind: 'device',
  permanentAddress: '00:00:00:00:00:00',
  driver: 'virtio_net',
};
const aboutCard = [/ens3 is made by software \(veth\)/, /ens3 has no address of its own/];

type Told = Record<string, unknown>;

/** @param tree files of the machine. */
function resolve(t: Test, make: string, addresses: readonly string[], tree: Readonly<Record<string, string>> = {}): Told {
  const folder = t.testdir({});
  putTree(folder, { '/etc/resolv.conf': '', ...tree });
  mkdirSync(join(folder, 'sys/class/net/ens3/device'), { recursive: true });
  symlinkSync('../../../../bus/virtio/drivers/virtio_net', join(folder, 'sys/class/net/ens3/device/driver'));
  return inNamespace(`${make}; exec ${driver} resolve "$@"`, folder, ...addresses);
}

function inNamespace(script: string, ...words: readonly string[]): Told {
  const argv = ['--net', '--pid', '--fork', '--kill-child', 'sh', '-ec', script, 'sh', ...words];
  const { status, stdout, stderr } = spawnSync('unshare', argv, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${script}: ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

/** What this kernel cannot make is left to machines that can. */
function without(kind: string): string | false {
  if (skip !== false) return skip;
  const { status } = spawnSync('unshare', ['--net', 'ip', 'link', 'add', 'test0', 'type', kind]);
  return status === 0 ? false : `this kernel makes no ${kind}`;
}

t.test('a card with both families, a gateway for each, and a lease', { skip }, (t) => {
  const make = `${cable}; ${both}; ip addr change 192.0.2.7/24 dev ens3 valid_lft 7200 preferred_lft 3600; ip -6 route add default via fe80::1 dev ens3`;
  const tree = {
    '/etc/resolv.conf': 'nameserver 127.0.0.53\nsearch example.org corp.example\n',
    '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.53\nnameserver 203.0.113.53\nsearch .\n',
  };
  const told = resolve(t, make, ['198.51.100.9', '2001:db8:1::1', '192.0.2.20', '198.51.100.9'], tree);
  t.match(told, {
    links: [card],
    addresses: [
      { link: 'ens3', address: '192.0.2.7/24' },
      { link: 'ens3', address: '2001:db8::7/64' },
    ],
    lifetimes: [120, null],
    routes: [
      { link: 'ens3', destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7' },
      { link: 'ens3', destination: '::/0', gateway: 'fe80::1', source: '2001:db8::7' },
    ],
    nameServers: ['192.0.2.53', '203.0.113.53'],
    searchDomains: ['example.org', 'corp.example'],
    leased: ['ens3'],
    notNow: {},
    never: {},
    warnings: aboutCard,
  });
  t.equal((told.routes as unknown[]).length, 2, 'one way for all that goes the same way');
  t.end();
});

t.test('gateways beside the prefix of the address', { skip }, (t) => {
  const cloud = `${cable}; ip addr add 10.9.8.7/32 dev ens3; ip route add 10.1.1.1 dev ens3; ip route add default via 10.1.1.1`;
  t.match(resolve(t, cloud, ['198.51.100.9']), {
    addresses: [{ address: '10.9.8.7/32' }],
    routes: [
      { destination: '10.1.1.1/32', source: '10.9.8.7' },
      { destination: '0.0.0.0/0', gateway: '10.1.1.1', source: '10.9.8.7' },
    ],
    leased: [],
  });
  const second = `${cable}; ${both}; ip addr add 198.18.0.7/16 dev ens3; ip route add 203.0.113.0/24 via 198.18.0.1 src 192.0.2.7`;
  t.match(resolve(t, second, ['203.0.113.5']), {
    addresses: [{ address: '192.0.2.7/24' }, { address: '198.18.0.7/16' }],
    routes: [{ destination: '203.0.113.0/24', gateway: '198.18.0.1', source: '192.0.2.7' }],
  });
  const router = `${cable}; ip addr add 10.0.0.1/32 dev lo; ip addr add 169.254.7.1/30 dev ens3; ip route add default via 169.254.7.2 src 10.0.0.1`;
  t.match(resolve(t, router, ['203.0.113.5']), {
    addresses: [
      { link: 'ens3', address: '10.0.0.1/32' },
      { link: 'ens3', address: '169.254.7.1/30' },
    ],
    routes: [{ destination: '0.0.0.0/0', gateway: '169.254.7.2', source: '10.0.0.1' }],
  });
  t.end();
});

t.test('two cards; a name server behind a third of them is left out', { skip }, (t) => {
  const other = 'ip link add ens4 type veth peer name far4; ip link set far4 up; ip link set ens4 up; ip addr add 198.18.0.7/24 dev ens4';
  const third = 'ip link add ens5 type veth peer name far5; ip link set far5 up; ip link set ens5 up; ip addr add 198.19.0.7/24 dev ens5';
  const told = resolve(t, `${cable}; ${both}; ${other}; ${third}`, ['198.18.0.9', '203.0.113.9'], {
    '/etc/resolv.conf': 'nameserver 198.19.0.53\nnameserver 198.18.0.53\n',
  });
  t.match(told, {
    links: [{ name: 'ens4' }, { name: 'ens3' }],
    addresses: [{ address: '198.18.0.7/24' }, { address: '192.0.2.7/24' }],
    routes: [{ link: 'ens3', destination: '0.0.0.0/0' }],
    nameServers: ['198.18.0.53'],
  });
  t.end();
});

t.test('servers that cannot be reached, now or ever', { skip }, (t) => {
  const refused = `${cable}; ip addr add 192.0.2.7/24 dev ens3; ip route add prohibit 203.0.113.0/24; ip route add blackhole 198.18.0.0/15`;
  const told = resolve(t, refused, ['127.0.0.1', '::1', '192.0.2.7', '203.0.113.1', '198.18.0.1', '198.51.100.1', '2001:db8::1']);
  t.match(told.never, { '127.0.0.1': /is this machine itself/, '::1': /is this machine itself/, '192.0.2.7': /is this machine itself/ });
  t.same(Object.keys(told.notNow as object), ['203.0.113.1', '198.18.0.1', '198.51.100.1', '2001:db8::1']);
  t.match(told, { links: [], addresses: [], routes: [], nameServers: [], leased: [] });
  t.end();
});

t.test('links that a capture kernel does not have', { skip }, (t) => {
  const wireless = resolve(t, `${cable}; ${both}`, ['192.0.2.9'], { '/sys/class/net/ens3/phy80211/name': 'phy0' });
  t.match(wireless, { links: [], never: { '192.0.2.9': /ens3 is wireless/ } });
  const tap = 'ip tuntap add tap0 mode tap; ip link set tap0 up; ip addr add 192.0.2.7/24 dev tap0';
  t.match(resolve(t, tap, ['192.0.2.9']), { links: [], never: { '192.0.2.9': /tap0 is a link of the kind tun/ } });
  t.end();
});

t.test('a bridge whose only ports are those of guests', { skip: without('bridge') }, (t) => {
  const make = `${cable}; ip link add br0 type bridge; ip link set ens3 master br0; ip link set br0 up; ip addr add 192.0.2.7/24 dev br0`;
  t.match(resolve(t, make, ['192.0.2.9']), { links: [], never: { '192.0.2.9': /the bridge br0 has no card among its ports/ } });
  t.end();
});

t.test('a VLAN on a bond', { skip: without('bond') || without('vlan') }, (t) => {
  const make = [
    'ip link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast xmit_hash_policy layer3+4',
    'for n in 3 4; do ip link add ens$n type veth peer name far$n; ip link set far$n up; ip link set ens$n master bond0; done',
    'ip link set bond0 up; ip link add link bond0 name bond0.30 type vlan id 30; ip link set bond0.30 mtu 1400 up',
    'ip addr add 192.0.2.7/24 dev bond0.30',
  ].join('; ');
  t.match(resolve(t, make, ['192.0.2.9']).links, [
    { name: 'bond0', kind: 'bond', mode: '802.3ad', miimonMs: 100, lacpRate: 'fast', transmitHashPolicy: 'layer3+4' },
    { name: 'ens3', kind: 'device', master: 'bond0' },
    { name: 'ens4', kind: 'device', master: 'bond0' },
    { name: 'bond0.30', kind: 'vlan', id: 30, protocol: '802.1Q', parent: 'bond0', mtu: 1400 },
  ]);
  t.end();
});

t.test('a bridge over a VLAN, with a port for a guest', { skip: without('bridge') || without('vlan') }, (t) => {
  const make = [
    `${cable}; ip link add link ens3 name ens3.7 type vlan id 7 protocol 802.1ad; ip link add br0 type bridge stp_state 1`,
    'ip tuntap add tap0 mode tap; ip link set tap0 master br0; ip link set ens3.7 master br0; ip link set ens3.7 up; ip link set br0 up',
    'ip addr add 192.0.2.7/24 dev br0',
  ].join('; ');
  t.match(resolve(t, make, ['192.0.2.9']).links, [
    { name: 'br0', kind: 'bridge', stp: true },
    { name: 'ens3', kind: 'device' },
    { name: 'ens3.7', kind: 'vlan', id: 7, protocol: '802.1ad', parent: 'ens3', master: 'br0' },
  ]);
  t.end();
});

t.test('what the kernel refuses, and the limits of a request', { skip }, (t) => {
  t.match(inNamespace(`exec ${driver} refused`), {
    'no such device': /^kernel\/enodev: /,
    'a kind that nobody makes': /^kernel\/enotsup: .*Unknown device type/,
    'a type that nobody knows': /^kernel\/enotsup: /,
    'a length that is wrong': /^kernel\/einval: .* 20 bytes calls itself \d+ long/,
    'more than a request holds': /^kernel\/einval: /,
    'no time': /^kernel\/etimedout: /,
    'time that is no number': /^kernel\/etimedout: /,
    'burnt-in address of nothing': null,
    'burnt-in address of the loopback': null,
    'a name too long': /^kernel\/einval: /,
    'a time that is none': [/^kernel\/einval: /, /^kernel\/einval: /, /^kernel\/einval: /],
  });
  t.end();
});
