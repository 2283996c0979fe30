import t from 'tap';
import { encodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';
import { buildAttributes, buildMessage, numberBytes } from '../linux/netlink/message.ts';
import { changeLinkMessage, newLinkMessage, parseCardAddress, readLinkState } from './link-messages.ts';

const info = (index: number, flags: number) =>
  Uint8Array.from([0, 0, 1, 0, ...numberBytes(index, 4), ...numberBytes(flags, 4), 0, 0, 0, 0]);
const address = Uint8Array.of(2, 0, 0, 0, 0, 10);
const own = buildAttributes([[4, Uint8Array.of(2, 0, 0, 0, 0, 11)]]);

function member(kind: string): Uint8Array {
  const parts = buildAttributes([
    [4, encodeText(kind)],
    [5, own],
  ]);
  return buildMessage(16, 0, info(7, 0x11043), [
    [1, address],
    [10, numberBytes(9, 4)],
    [18, parts],
  ]);
}

const bonded = member('bond\0');

t.test('a link is up, has its carrier, and a member of a bond the address that it had before', (t) => {
  t.same(readLinkState(bonded), { index: 7, isUp: true, hasCarrier: true, memberAddress: '02:00:00:00:00:0b' });
  t.equal(readLinkState(member('bridge\0')).memberAddress, undefined, 'the number means something else there');
  t.same(readLinkState(buildMessage(16, 0, info(2, 0x1002))), { index: 2, isUp: false, hasCarrier: false, memberAddress: undefined });
  t.end();
});

t.test('a message that is cut or damaged is an error, or a state', (t) => {
  for (let length = 0; length < bonded.length; length++) attempt(bonded.slice(0, length));
  for (let at = 0; at < bonded.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = bonded.slice();
      damaged[at] ^= mask;
      attempt(damaged);
    }
  }
  t.pass('nothing else came of it');
  t.end();
});

function attempt(message: Uint8Array): void {
  try {
    readLinkState(message);
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
