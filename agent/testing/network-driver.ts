/**
 * Runs under Bun, in a network and mount namespace of its own, what puts a network up. Prints one JSON object.
 *
 *     unshare --net --mount --pid --fork --kill-child --mount-proc bun network-driver.ts SCENARIO
 *
 * The other end of the cable is a second namespace, with a server's or a gateway's addresses.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import type { ArmedNetwork } from '../config/armed-network.ts';
import { bringUpNetwork } from '../network/bring-up.ts';
import { waitForReach } from '../network/reach.ts';
import { createBunSystem } from '../sys/bun-system.ts';

const system = createBunSystem();
const nowMs = Date.UTC(2026, 2, 4);
const cardAddress = '02:00:00:00:00:0a';
const otherAddress = '02:00:00:00:00:0b';
/** For the far ends; ends with this process. */
const far = spawn('unshare', ['--net', 'sleep', '120'], { stdio: 'ignore' });

const none: ArmedNetwork = { links: [], addresses: [], routes: [], nameServers: [], searchDomains: [], leased: [] };
const card = {
  kind: 'device',
  name: 'ens3',
  address: cardAddress,
  permanentAddress: cardAddress,
  driver: undefined,
  mtu: 1400,
  master: undefined,
} as const;
const simple: ArmedNetwork = {
  ...none,
  links: [card],
  addresses: [
    { link: 'ens3', address: '192.0.2.7/24', validUntilMs: undefined },
    { link: 'ens3', address: '2001:db8::7/64', validUntilMs: undefined },
  ],
  routes: [
    { link: 'ens3', destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7' },
    { link: 'ens3', destination: '::/0', gateway: '2001:db8::1', source: undefined },
  ],
  nameServers: ['192.0.2.53'],
  searchDomains: ['example.org'],
};

type Outcome = { readonly notes: readonly string[]; readonly error?: string };

const scenarios: Readonly<Record<string, () => unknown>> = {
  kinds: () => ({ missing: ['bond', 'vlan', 'bridge'].filter((kind) => !canMake(kind)) }),
  device: () => ({ first: bringUp(simple), again: bringUp(simple), ...look(), reach: reach('203.0.113.9'), reach6: reach('2001:db8::1') }),
  'late device': () => {
    inFar('link', 'del', 'far0');
    const add = ['link', 'add', 'eth5', 'address', cardAddress, 'type', 'veth', 'peer', 'name', 'far0'];
    spawn('sh', ['-c', `sleep 0.5; ip ${add.join(' ')}; ip link set far0 up`], { stdio: 'ignore' });
    return bringUp(simple);
  },
  'no carrier': () => {
    inFar('link', 'set', 'far0', 'down');
    return { first: bringUp(simple, 1_000), reach: reach('203.0.113.9') };
  },
  'no device': () => bringUp({ ...simple, links: [{ ...card, permanentAddress: '02:00:00:00:00:ff' }] }, 400),
  'no gateway': () => {
    inFar('address', 'flush', 'dev', 'far0');
    return { first: bringUp(simple), reach: reach('203.0.113.9'), nowhere: withoutDefault(() => reach('203.0.113.9')) };
  },
  'far gateway': () => {
    inFar('route', 'add', '192.0.2.7/32', 'dev', 'far0');
    const [route] = simple.routes;
    const address = { link: 'ens3', address: '198.51.100.7/32', validUntilMs: undefined };
    inFar('route', 'add', '198.51.100.7/32', 'dev', 'far0');
    return bringUpAnd({ ...simple, addresses: [address], routes: [{ ...route, source: undefined }] });
  },
  bridge: () => bringUpAnd(withBridge),
  spanning: () =>
    bringUpAnd({ ...withBridge, links: withBridge.links.map((link) => (link.kind === 'bridge' ? { ...link, stp: true } : link)) }),
  bond: () => bringUpAnd(bonded()),
  'bond by LACP': () => {
    const lacp = { mode: '802.3ad', lacpRate: 'fast', transmitHashPolicy: 'layer3+4' } as const;
    const network = bonded();
    return bringUpAnd({ ...network, links: network.links.map((link) => (link.kind === 'bond' ? { ...link, ...lacp } : link)) });
  },
  'bond of another mode': () => {
    ip('link', 'add', 'bond0', 'type', 'bond', 'mode', 'balance-rr');
    return bringUpAnd(bonded());
  },
  lease: () => withServer(() => bringUpAnd(leased)),
  'no server': () => bringUp(leased, 4_000),
  'lease that holds': () => bringUp({ ...leased, addresses: leased.addresses.map((one) => ({ ...one, validUntilMs: nowMs + 1 })) }),
};

const withBridge: ArmedNetwork = {
  ...simple,
  links: [
    { kind: 'bridge', name: 'br0', address: cardAddress, mtu: 1400, master: undefined, stp: false },
    { ...card, master: 'br0' },
  ],
  addresses: simple.addresses.map((address) => ({ ...address, link: 'br0' })),
  routes: simple.routes.map((route) => ({ ...route, link: 'br0' })),
};

const bond = {
  kind: 'bond',
  name: 'bond0',
  address: cardAddress,
  mtu: 1400,
  master: undefined,
  mode: 'active-backup',
  miimonMs: 50,
} as const;
const withBond: ArmedNetwork = {
  ...simple,
  links: [
    { ...bond, lacpRate: undefined, transmitHashPolicy: undefined },
    { ...card, master: 'bond0' },
    { ...card, name: 'ens4', permanentAddress: otherAddress, master: 'bond0' },
    { kind: 'vlan', name: 'bond0.5', address: cardAddress, mtu: 1300, master: undefined, parent: 'bond0', id: 5, protocol: '802.1Q' },
  ],
  addresses: [{ link: 'bond0.5', address: '198.51.100.7/24', validUntilMs: undefined }],
  routes: [{ link: 'bond0.5', destination: '0.0.0.0/0', gateway: '198.51.100.1', source: '198.51.100.7' }],
};

const leased: ArmedNetwork = {
  ...simple,
  addresses: [{ link: 'ens3', address: '192.0.2.99/24', validUntilMs: nowMs - 1000 }],
  routes: [{ link: 'ens3', destination: '0.0.0.0/0', gateway: '192.0.2.254', source: '192.0.2.99' }],
  leased: ['ens3'],
};

/** The far end has the VLAN on its first cable, the one that the bond uses. */
function bonded(): ArmedNetwork {
  for (const words of ['link add link far0 name far0.5 type vlan id 5', 'link set far0.5 up', 'address add 198.51.100.1/24 dev far0.5']) {
    inFar(...words.split(' '));
  }
  return withBond;
}

prepare();
system.print(JSON.stringify(scenarios[process.argv.slice(2).join(' ')]()));
far.kill('SIGKILL');

/** Nothing of the machine is seen or touched: its own /sys, and an empty /etc and /run. */
function prepare(): void {
  must('mount', '--make-rprivate', '/');
  must('mount', '-t', 'sysfs', 'sysfs', '/sys');
  for (const folder of ['/etc', '/run']) must('mount', '-t', 'tmpfs', 'tmpfs', folder);
  system.files.makeFolder('/run/kcapture');
  while (readlinkSync(`/proc/${far.pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) system.kernel.sleep(5);
  ip('link', 'add', 'eth5', 'address', cardAddress, 'type', 'veth', 'peer', 'name', 'far0', 'address', '02:00:00:00:00:01');
  ip('link', 'add', 'eth6', 'address', otherAddress, 'type', 'veth', 'peer', 'name', 'far1', 'address', '02:00:00:00:00:02');
  for (const name of ['far0', 'far1']) ip('link', 'set', name, 'netns', String(far.pid));
  for (const words of [
    'link set far0 up',
    'link set far1 up',
    'address add 192.0.2.1/24 dev far0',
    'address add 2001:db8::1/64 dev far0 nodad',
  ]) {
    inFar(...words.split(' '));
  }
}

/** A DHCP server at the far end, for a moment. */
function withServer<T>(action: () => T): T {
  const lines = ['start 192.0.2.50', 'end 192.0.2.50', 'interface far0', 'lease_file /run/leases', 'pidfile /run/pid', 'max_leases 1'];
  system.files.write(
    '/run/udhcpd.conf',
    [...lines, 'opt subnet 255.255.255.0', 'opt router 192.0.2.1', 'opt dns 192.0.2.54', ''].join('\n'),
  );
  system.files.write('/run/leases', '');
  const server = spawn('nsenter', ['-t', String(far.pid), '-n', 'busybox', 'udhcpd', '-f', '/run/udhcpd.conf'], { stdio: 'ignore' });
  try {
    return action();
  } finally {
    server.kill('SIGKILL');
  }
}

function canMake(kind: string): boolean {
  const words = kind === 'vlan' ? ['link', 'eth6', 'name', 'try0', 'type', 'vlan', 'id', '9'] : ['name', 'try0', 'type', kind];
  const { status } = spawnSync('ip', ['link', 'add', ...words]);
  return status === 0 && ip('link', 'del', 'try0') === '';
}

function withoutDefault<T>(action: () => T): T {
  ip('route', 'del', 'default');
  return action();
}

function bringUpAnd(network: ArmedNetwork): unknown {
  const first = bringUp(network);
  const once = look();
  const again = bringUp(network);
  return { first, ...once, again, same: JSON.stringify(once) === JSON.stringify(look()), reach: reach('203.0.113.9') };
}

function bringUp(network: ArmedNetwork, limitMs = 20_000): Outcome {
  const notes: string[] = [];
  try {
    bringUpNetwork(system, network, { limitMs, nowMs, onNote: (sentence) => void notes.push(sentence) });
    return { notes };
  } catch (error) {
    return { notes, error: `${(error as { code?: string }).code}: ${(error as Error).message}` };
  }
}

function reach(address: string): unknown {
  return waitForReach(system, [address], { limitMs: 2_500 });
}

/** What `ip` says, in short. */
function look(): Record<string, unknown> {
  type Row = Readonly<Record<string, unknown>>;
  const rows = (...words: string[]): readonly Row[] => JSON.parse(ip('-j', '-d', ...words) || '[]');
  return {
    links: Object.fromEntries(
      rows('link').map((row) => {
        const info = (row.linkinfo as Row | undefined) ?? {};
        const data = (info.info_data as Row | undefined) ?? {};
        const chosen = ['mode', 'miimon', 'ad_lacp_rate', 'xmit_hash_policy', 'id', 'protocol', 'stp_state', 'forward_delay']
          .filter((name) => name in data)
          .map((name) => [name, data[name]]);
        const flags = (row.flags as string[]).filter((flag) => ['UP', 'LOWER_UP'].includes(flag)).sort();
        return [
          row.ifname,
          { kind: info.info_kind, mtu: row.mtu, address: row.address, master: row.master, flags, ...Object.fromEntries(chosen) },
        ];
      }),
    ),
    addresses: rows('address').flatMap((row) =>
      (row.addr_info as Row[])
        .filter(({ scope }) => scope === 'global')
        .map(({ local, prefixlen, tentative }) => `${row.ifname} ${local}/${prefixlen}${tentative === true ? ' tentative' : ''}`),
    ),
    routes: [...rows('-4', 'route'), ...rows('-6', 'route')]
      .filter(({ gateway }) => gateway !== undefined)
      .map(({ dst, gateway, dev, prefsrc }) => `${dst} ${gateway} ${dev}${prefsrc === undefined ? '' : ` ${prefsrc}`}`),
    resolver: system.files.readTextIfThere('/etc/resolv.conf'),
  };
}

function ip(...words: string[]): string {
  return must('ip', ...words);
}

function inFar(...words: string[]): string {
  return must('nsenter', '-t', String(far.pid), '-n', 'ip', ...words);
}

function must(program: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${status}\n${stderr}`);
  return stdout;
}
