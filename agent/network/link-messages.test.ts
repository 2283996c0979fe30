import t from 'tap';
import { encodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';
import { buildAttributes, buildMessage, numberBytes } from '../linux/netlink/message.ts';
import { changeLinkMessage, newLinkMessage, parseCardAddress, readLinkMessage } from './link-messages.ts';

const info = (index: number, flags: number) =>
  Uint8Array.from([0, 0, 1, 0, ...numberBytes(index, 4), ...numberBytes(flags, 4), 0, 0, 0, 0]);
const address = Uint8Array.of(2, 0, 0, 0, 0, 10);
const vlan = buildMessage(16, 0, info(7, 0x11043), [
  [3, encodeText('bond0.5\0')],
  [1, address],
  [4, numberBytes(1300, 4)],
  [5, numberBytes(3, 4)],
  [10, numberBytes(9, 4)],
  [
    18,
    buildAttributes([
      [1, encodeText('vlan\0')],
      [
        2,
        buildAttributes([
          [1, numberBytes(5, 2)],
          [5, Uint8Array.of(0x88, 0xa8)],
        ]),
      ],
    ]),
  ],
]);
const seen = {
  index: 7,
  name: 'bond0.5',
  kind: 'vlan',
  address: '02:00:00:00:00:0a',
  permanentAddress: undefined,
  mtu: 1300,
  isUp: true,
  hasCarrier: true,
  master: 9,
  parent: 3,
  vlan: { id: 5, protocol: '802.1ad' },
};

t.test('a link is read', (t) => {
  t.same(readLinkMessage(vlan), seen);
  t.end();
});

t.test('a member of a bond has the address that it had before', (t) => {
  const own = buildAttributes([[4, Uint8Array.of(2, 0, 0, 0, 0, 11)]]);
  const member = (kind: string) =>
    buildMessage(16, 0, info(2, 0), [
      [1, address],
      [
        18,
        buildAttributes([
          [4, encodeText(kind)],
          [5, own],
        ]),
      ],
    ]);
  t.equal(readLinkMessage(member('bond\0')).permanentAddress, '02:00:00:00:00:0b');
  t.equal(readLinkMessage(member('bridge\0')).permanentAddress, undefined, 'the number means something else there');
  t.match(
    readLinkMessage(
      buildMessage(16, 0, info(2, 0), [
        [1, address],
        [54, address],
      ]),
    ),
    { permanentAddress: '02:00:00:00:00:0a' },
  );
  t.end();
});

t.test('a message that is cut or damaged is an error, or a link', (t) => {
  for (let length = 0; length < vlan.length; length++) attempt(vlan.slice(0, length));
  for (let at = 0; at < vlan.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = vlan.slice();
      damaged[at] ^= mask;
      attempt(damaged);
    }
  }
  t.pass('nothing else came of it');
  t.end();
});

function attempt(message: Uint8Array): void {
  try {
    readLinkMessage(message);
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
  }
}

t.test('what the kernel has no number for is not asked for', (t) => {
  const facts = { address: '', mtu: 1500, master: undefined };
  const bond = {
    ...facts,
    kind: 'bond',
    name: 'bond0',
    mode: 'no-such-mode',
    miimonMs: 0,
    lacpRate: undefined,
    transmitHashPolicy: undefined,
  } as const;
  const make = (link: Parameters<typeof newLinkMessage>[0]['link']) => newLinkMessage({ name: 'bond0', link, parent: undefined });
  t.throws(() => make(bond), { code: 'network-up/netlink', message: /the mode "no-such-mode": expected one of balance-rr,/ });
  t.throws(() => make({ ...bond, mode: '802.3ad', transmitHashPolicy: 'x' }), { code: 'network-up/netlink' });
  t.ok(make({ ...bond, mode: 'active-backup', transmitHashPolicy: 'x' }), 'and a policy that does not matter is left out');
  t.throws(() => parseCardAddress('00:11:22:33:44:5x'), { code: 'network-up/netlink' });
  t.throws(() => changeLinkMessage(2, { address: '' }), { code: 'network-up/netlink' });
  t.end();
});
