import t from 'tap';
import { type ArmedDevice, matchByName, matchDevices } from './match-device.ts';
import type { PresentLink } from './present-links.ts';

const [one, two] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];

function armed(name: string, permanentAddress: string, driver = 'virtio_net'): ArmedDevice {
  return { kind: 'device', name, address: permanentAddress, permanentAddress, driver, mtu: 1500, master: undefined };
}

function present(index: number, name: string, address: string, changes: Partial<PresentLink> = {}): PresentLink {
  const base = { kind: undefined, permanentAddress: undefined, driver: 'virtio_net', mtu: 1500, isUp: false, hasCarrier: false };
  return { ...base, index, name, address, master: undefined, parent: undefined, vlan: undefined, ...changes };
}

function indices(matches: ReturnType<typeof matchDevices>) {
  return { found: [...matches.found].map(([name, { index }]) => [name, index]), missing: matches.missing.map(({ name }) => name) };
}

t.test('devices are found by their address, whatever they are called here', (t) => {
  const here = [present(2, 'eth0', two), present(3, 'eth1', one)];
  const found = matchDevices([armed('eth0', one), armed('ens4', two.toUpperCase()), armed('ens5', '52:54:00:00:00:03')], here);
  t.same(indices(found), {
    found: [
      ['eth0', 3],
      ['ens4', 2],
    ],
    missing: ['ens5'],
  });
  t.end();
});

t.test('the burnt-in address counts, not the one that a bond has given', (t) => {
  const here = [
    present(2, 'eth0', one, { permanentAddress: two, master: 4 }),
    present(3, 'eth1', one, { permanentAddress: one, master: 4 }),
  ];
  t.same(indices(matchDevices([armed('a', one), armed('b', two)], here)).found, [
    ['a', 3],
    ['b', 2],
  ]);
  t.end();
});

t.test('links made from others are no devices, though they have the address of one', (t) => {
  const here = [present(5, 'bond0', one, { kind: 'bond' }), present(6, 'eth0.5', one, { kind: 'vlan' }), present(7, 'eth0', one)];
  t.same(indices(matchDevices([armed('eth0.5', one)], here)).found, [['eth0.5', 7]]);
  t.end();
});

t.test('two devices with one address are told apart by their drivers, then by their names', (t) => {
  const here = [present(2, 'eth1', one, { driver: 'mlx5_core' }), present(3, 'eth0', one, { driver: 'hv_netvsc' })];
  const devices = [armed('eth0', one, 'hv_netvsc'), armed('enP1', one, 'mlx5_core')];
  t.same(indices(matchDevices(devices, here)).found, [
    ['eth0', 3],
    ['enP1', 2],
  ]);
  const alike = [present(2, 'x', one), present(3, 'y', one)];
  t.same(indices(matchDevices([armed('y', one), armed('z', one), armed('w', one)], alike)), {
    found: [
      ['y', 3],
      ['z', 2],
    ],
    missing: ['w'],
  });
  t.end();
});

t.test('an address of zeros says nothing', (t) => {
  const zero = '00:00:00:00:00:00';
  t.same(indices(matchDevices([armed('eth0', zero)], [present(2, 'eth0', zero)])).missing, ['eth0']);
  t.end();
});

t.test('a device with a new address at every start is found by name and driver together', (t) => {
  const devices = [armed('eth0', one), armed('eth1', two, 'e1000e')];
  const here = [present(2, 'eth0', '02:00:00:00:00:07'), present(3, 'eth1', '02:00:00:00:00:08')];
  t.same(indices(matchByName(devices, here)), { found: [['eth0', 2]], missing: ['eth1'] });
  t.end();
});
