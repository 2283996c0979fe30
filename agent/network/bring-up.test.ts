/** Networks put up for real, under Bun, in namespaces of their own: `ip` says what came of it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import t from 'tap';

const driver = ['node_modules/.bin/bun', 'agent/testing/network-driver.ts'];
const namespaces = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const needed = ['ip', 'busybox', 'nsenter'].filter(
  (name) => !['/bin', '/sbin', '/usr/bin', '/usr/sbin'].some((folder) => existsSync(`${folder}/${name}`)),
);
const skip = process.geteuid?.() !== 0 ? 'needs root' : needed.length > 0 ? `needs ${needed.join(', ')}` : false;

const [card, other] = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'];
const both = ['LOWER_UP', 'UP'];
const loopback = { mtu: 65536, address: '00:00:00:00:00:00', flags: both };
const unused = { kind: 'veth', mtu: 1500, address: other, flags: [] };
const resolver = 'nameserver 192.0.2.53\nsearch example.org\noptions timeout:2 attempts:2\n';
const isUp = { notes: ['ens3 is called eth5 here', `eth5 (${card}) is up with 192.0.2.7/24, 2001:db8::7/64`] };

function run(scenario: string): Record<string, unknown> {
  const [program, ...words] = [...namespaces, ...driver, scenario];
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw new Error(`${scenario}: ${status}\n${stderr}`);
  return JSON.parse(stdout);
}

/** What this kernel cannot make is left to machines that can. */
const missingKinds = new Set(skip === false ? (run('kinds').missing as string[]) : []);
function without(...kinds: readonly string[]): string | false {
  const missing = kinds.filter((kind) => missingKinds.has(kind));
  return missing.length === 0 ? skip : `this kernel makes no ${missing.join(', ')}`;
}

t.test('a card by its address, both families, once and again', { skip }, (t) => {
  t.same(run('device'), {
    first: isUp,
    again: isUp,
    links: { lo: loopback, eth5: { kind: 'veth', mtu: 1400, address: card, flags: both }, eth6: unused },
    addresses: ['eth5 192.0.2.7/24', 'eth5 2001:db8::7/64'],
    routes: ['default 192.0.2.1 eth5 192.0.2.7', 'default 2001:db8::1 eth5'],
    resolver,
    reach: {
      isOpen: true,
      sentence: 'the way to 203.0.113.9 is eth5 (up, carrier) from 192.0.2.7, by the gateway: 192.0.2.1 answers as 02:00:00:00:00:01',
    },
    reach6: {
      isOpen: true,
      sentence: 'the way to 2001:db8::1 is eth5 (up, carrier) from 2001:db8::7, straight: 2001:db8::1 answers as 02:00:00:00:00:01',
    },
  });
  t.end();
});

t.test('a card that comes while it is waited for', { skip }, (t) => {
  t.same(run('late device'), isUp);
  t.end();
});

t.test('a cable that is not plugged in', { skip }, (t) => {
  t.same(run('no carrier'), {
    first: {
      notes: ['ens3 is called eth5 here', 'ens3 has no carrier: is its cable plugged in, and the port of the switch on?'],
      error: 'network-up/down: Cannot put the network up: ens3 has no carrier',
    },
    reach: {
      isOpen: false,
      sentence: 'the way to 203.0.113.9 is eth5 (up, no carrier) from 192.0.2.7, by the gateway: 192.0.2.1 does not answer',
    },
  });
  t.end();
});

t.test('a card that is not there', { skip }, (t) => {
  t.same(run('no device'), {
    notes: ['ens3 (02:00:00:00:00:ff) is not there'],
    error: `network-up/no-device: Cannot put the network up: ens3 (02:00:00:00:00:ff) did not appear; there is eth5 ${card}, eth6 ${other}`,
  });
  t.end();
});

t.test('a gateway that does not answer, and a server that no way leads to', { skip }, (t) => {
  t.match(run('no gateway'), {
    reach: { isOpen: false, sentence: /by the gateway: 192\.0\.2\.1 does not answer$/ },
    nowhere: { isOpen: false, sentence: 'there is no way to 203.0.113.9: no route fits it' },
  });
  t.end();
});

t.test('a gateway outside the prefix of the address, as clouds have them', { skip }, (t) => {
  t.match(run('far gateway'), { first: { error: undefined }, routes: ['default 192.0.2.1 eth5'], reach: { isOpen: true }, same: true });
  t.end();
});

for (const [scenario, stp] of [
  ['bridge', 0],
  ['spanning', 1],
] as const) {
  t.test(`a bridge${stp === 1 ? ' with the spanning tree' : ''}`, { skip: without('bridge') }, (t) => {
    t.match(run(scenario), {
      first: { error: undefined },
      links: {
        eth5: { master: 'br0', mtu: 1400, flags: both },
        br0: { kind: 'bridge', mtu: 1400, address: card, flags: both, stp_state: stp },
      },
      addresses: ['br0 192.0.2.7/24', 'br0 2001:db8::7/64'],
      routes: ['default 192.0.2.1 br0 192.0.2.7', 'default 2001:db8::1 br0'],
      same: true,
      reach: { isOpen: true },
    });
    t.end();
  });
}

for (const scenario of ['bond', 'bond of another mode']) {
  t.test(`a VLAN on a ${scenario}`, { skip: without('bond', 'vlan') }, (t) => {
    const notes = ['ens3 is called eth5 here', 'ens4 is called eth6 here', `bond0.5 (${card}) is up with 198.51.100.7/24`];
    t.match(run(scenario), {
      first: { notes },
      again: { notes },
      links: {
        eth5: { master: 'bond0', mtu: 1400, flags: both },
        eth6: { master: 'bond0', mtu: 1400, flags: both },
        bond0: { kind: 'bond', mode: 'active-backup', miimon: 50, mtu: 1400, address: card, flags: both },
        'bond0.5': { kind: 'vlan', id: 5, protocol: '802.1Q', mtu: 1300, address: card, flags: both },
      },
      addresses: ['bond0.5 198.51.100.7/24'],
      routes: ['default 198.51.100.1 bond0.5 198.51.100.7'],
      same: true,
      reach: { isOpen: true },
    });
    t.end();
  });
}

t.test('a bond by LACP', { skip: without('bond', 'vlan') }, (t) => {
  t.match(run('bond by LACP'), {
    first: { error: undefined },
    links: { bond0: { mode: '802.3ad', ad_lacp_rate: 'fast', xmit_hash_policy: 'layer3+4', flags: both } },
    same: true,
  });
  t.end();
});

t.test('a lease that is over is asked for anew', { skip }, (t) => {
  t.match(run('lease'), {
    first: {
      notes: [
        'ens3 is called eth5 here',
        'ens3: its lease was over, and a server gave it 192.0.2.50/24',
        `eth5 (${card}) is up with 192.0.2.50/24`,
      ],
    },
    addresses: ['eth5 192.0.2.50/24'],
    routes: ['default 192.0.2.1 eth5'],
    resolver: 'nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch example.org\noptions timeout:2 attempts:2\n',
    same: true,
    reach: { isOpen: true },
  });
  t.end();
});

t.test('without a server the old address is used, and one whose lease holds is not asked for', { skip }, (t) => {
  t.match(run('no server'), {
    notes: [
      'ens3 is called eth5 here',
      'ens3: its lease is over, and busybox got no new one: it ended with 1, saying "udhcpc: no lease, failing"',
      'the address 192.0.2.99/24 of ens3 was lent until 2026-03-03T23:59:59.000Z and is used all the same: another machine may have it by now',
      `eth5 (${card}) is up with 192.0.2.99/24`,
    ],
  });
  t.same(run('lease that holds'), { notes: ['ens3 is called eth5 here', `eth5 (${card}) is up with 192.0.2.99/24`] });
  t.end();
});
