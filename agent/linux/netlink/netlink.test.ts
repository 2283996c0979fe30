import t, { type Test } from 'tap';
import { KcaptureError } from '../../errors.ts';
import { recordedAddresses, recordedLinks, recordedWays } from '../../testing/recorded-network.ts';
import { buildAddressesRequest, readAddresses } from './addresses.ts';
import { readAnswer } from './answer.ts';
import { formatIpAddress, isInPrefix, parseIpAddress } from './ip-address.ts';
import { buildLinksRequest, readLinks } from './links.ts';
import { buildAttributes, buildMessage, messageHead, numberBytes, readAttributes, splitMessages } from './message.ts';
import { buildWayRequest, readWay } from './routes.ts';

const join = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

t.test('cards, a bond and a VLAN', (t) => {
  const [first, second] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
  const nothing = {
    kind: undefined,
    made: undefined,
    permanentAddress: undefined,
    master: undefined,
    parent: undefined,
    isParentElsewhere: false,
  };
  const ethernet = { ...nothing, hardware: 1, mtu: 1500, address: first };
  const bond = { kind: 'bond', mode: '802.3ad', miimonMs: 100, lacpRate: 'fast', transmitHashPolicy: 'layer3+4' };
  const vlan = { kind: 'vlan', id: 30, protocol: '802.1Q' };
  t.same(readLinks(recordedLinks), [
    { ...nothing, index: 1, name: 'lo', hardware: 772, mtu: 65536, address: '00:00:00:00:00:00' },
    { ...ethernet, index: 2, name: 'eth0', permanentAddress: first, master: 5 },
    { ...ethernet, index: 3, name: 'eth1', permanentAddress: second, master: 5 },
    { ...ethernet, index: 5, name: 'bond0', kind: 'bond', made: bond },
    { ...ethernet, index: 6, name: 'bond0.30', mtu: 1400, kind: 'vlan', made: vlan, parent: 5 },
  ]);
  t.end();
});

t.test('addresses and their lifetimes', (t) => {
  const usual = { validSeconds: undefined, isTemporary: false, isUsable: true };
  t.same(readAddresses(recordedAddresses), [
    { ...usual, link: 1, address: '127.0.0.1', prefixLength: 8 },
    { ...usual, link: 6, address: '192.0.2.7', prefixLength: 24, validSeconds: 3598 },
    { ...usual, link: 1, address: '::1', prefixLength: 128 },
    { ...usual, link: 5, address: 'fe80::5054:ff:fe00:1', prefixLength: 64 },
    { ...usual, link: 6, address: 'fe80::5054:ff:fe00:1', prefixLength: 64 },
  ]);
  const flags = (bits: number) => {
    const fixed = Uint8Array.of(10, 64, 0, 0, 2, 0, 0, 0);
    return readAddresses([
      buildMessage(20, 0, fixed, [
        [1, parseIpAddress('2001:db8::7')],
        [8, numberBytes(bits, 4)],
      ]),
    ])[0];
  };
  t.match(
    [flags(0x01), flags(0x08), flags(0x20), flags(0x40), flags(0x180)],
    [
      { isTemporary: true, isUsable: true },
      { isTemporary: false, isUsable: false },
      { isUsable: false },
      { isUsable: false },
      { isTemporary: false, isUsable: true },
    ],
  );
  t.end();
});

t.test('ways of packets, and the routes they take', (t) => {
  const usual = { kind: 'unicast', link: 6, gateway: undefined, source: undefined };
  t.same(recordedWays.map(readWay), [
    { ...usual, destination: '198.51.100.9/32', gateway: '192.0.2.1', source: '192.0.2.7' },
    { ...usual, destination: '0.0.0.0/0', gateway: '192.0.2.1' },
    { ...usual, destination: '192.0.2.9/32', source: '192.0.2.7' },
    { ...usual, destination: '192.0.2.0/24', source: '192.0.2.7' },
    { ...usual, kind: 'local', destination: '127.0.0.1/32', link: 1, source: '127.0.0.1' },
    { ...usual, kind: 'local', destination: '127.0.0.1/32', link: 1, source: '127.0.0.1' },
  ]);
  t.equal(readWay([]), undefined);
  const via = [2, 32, 0, 0, 254, 0, 0, 1, 0, 0, 0, 0];
  const byOther = buildMessage(24, 0, Uint8Array.from(via), [[18, join([Uint8Array.of(10, 0), parseIpAddress('fe80::1')])]]);
  t.match(readWay([byOther]), { gateway: 'fe80::1', link: undefined });
  t.throws(() => readWay([buildMessage(24, 0, Uint8Array.from([2, 33, ...via.slice(2)]))]), { code: 'linux/bad-netlink' });
  t.end();
});

t.test('requests, byte for byte', (t) => {
  t.equal(hex(buildLinksRequest()), '28000000120000030000000000000000000000000000000000000000000000000800 1d0008000000'.replace(' ', ''));
  t.equal(hex(buildAddressesRequest()), '180000001600000300000000000000000000000000000000');
  t.equal(
    hex(buildWayRequest('192.0.2.9', 'packet')),
    '240000001a0000000000000000000000022000000000000000000000 08000100c0000209'.replace(' ', ''),
  );
  t.equal(
    hex(buildWayRequest('2001:db8::9', 'route')),
    '300000001a00000000000000000000000a8000000000000000200000 14000100 20010db8000000000000000000000009'.replaceAll(' ', ''),
  );
  t.throws(() => buildWayRequest('server.example', 'packet'), { code: 'linux/bad-netlink' });
  t.end();
});

t.test('attributes are padded, and their flags are no part of their number', (t) => {
  const bytes = buildAttributes([
    [0x8001, Uint8Array.of(1)],
    [2, Uint8Array.of(1, 2, 3, 4, 5)],
    [3, new Uint8Array()],
  ]);
  t.equal(bytes.length, 8 + 12 + 4);
  t.same(
    [...readAttributes(bytes)],
    [
      [1, Uint8Array.of(1)],
      [2, Uint8Array.of(1, 2, 3, 4, 5)],
      [3, new Uint8Array()],
    ],
  );
  t.same([...readAttributes(bytes.subarray(0, 5))], [[1, Uint8Array.of(1)]], 'the last one need not be padded');
  t.end();
});

const numbered = (message: Uint8Array, sequence: number, flags = 0) =>
  join([messageHead.write({ ...messageHead.read(message), sequence, flags }), message.subarray(messageHead.sizeBytes)]);
const request = buildWayRequest('192.0.2.9', 'packet');
const errorNumber = (number: number) => numberBytes(2 ** 32 - number, 4);
const done = (number: number) => numbered(buildMessage(3, 0, errorNumber(number)), 7, 2);
/** With the whole request, or its head alone, then words. */
const refusal = (echoed: Uint8Array, flags: number) => {
  const words = buildAttributes([[1, Buffer.from('no such thing\0')]]);
  return numbered(buildMessage(2, 0, join([errorNumber(19), echoed, words])), 7, flags);
};

t.test('the parts of an answer', (t) => {
  const link = numbered(recordedLinks[0], 7);
  const other = numbered(recordedLinks[1], 8);
  const open = { isOver: false, failure: undefined, isInterrupted: false };
  t.same(readAnswer(join([link, other, link]), 7), { ...open, messages: [link, link] });
  t.same(readAnswer(join([link, done(0)]), 7), { ...open, messages: [link], isOver: true });
  t.same(readAnswer(done(105), 7), { ...open, messages: [], isOver: true, failure: { errno: 105, text: undefined } });
  t.same(readAnswer(numbered(buildMessage(2, 0, join([numberBytes(0, 4), request])), 7), 7), { ...open, messages: [], isOver: true });
  t.match(readAnswer(join([numbered(link, 7, 0x10), done(0)]), 7), { isOver: true, isInterrupted: true });
  t.same(readAnswer(join([other, done(0)]), 9), { ...open, messages: [] });
  for (const [echoed, flags] of [
    [request, 0x200],
    [request.subarray(0, 16), 0x300],
  ] as const) {
    t.same(readAnswer(refusal(echoed, flags), 7).failure, { errno: 19, text: 'no such thing' });
  }
  t.same(readAnswer(refusal(request, 0), 7).failure, { errno: 19, text: undefined });
  t.throws(() => readAnswer(numbered(buildMessage(4, 0, new Uint8Array(4)), 7), 7), { code: 'linux/bad-netlink' });
  t.end();
});

/** Whatever comes, it is read or refused. */
function survives(t: Test, name: string, bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  const outcomes = { read: 0, refused: 0, crashed: 0 };
  const attempt = (damaged: Uint8Array) => {
    try {
      read(damaged);
      outcomes.read++;
    } catch (error) {
      if (error instanceof KcaptureError) outcomes.refused++;
      else outcomes.crashed++;
    }
  };
  for (let length = 0; length < bytes.length; length++) attempt(bytes.subarray(0, length));
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[at] ^= mask;
      attempt(damaged);
    }
  }
  t.equal(outcomes.crashed, 0, name);
  t.ok(outcomes.refused > 0 && outcomes.read > 0, `${name}: ${JSON.stringify(outcomes)}`);
}

t.test('cut at every length, every byte flipped', (t) => {
  for (const [at, message] of recordedLinks.entries()) survives(t, `link ${at}`, message, (bytes) => readLinks(splitMessages(bytes)));
  survives(t, 'link without a check of its length', recordedLinks[4], (bytes) => readLinks([bytes]));
  survives(t, 'addresses', join(recordedAddresses), (bytes) => readAddresses(splitMessages(bytes)));
  survives(t, 'ways', join(recordedWays.flat()), (bytes) => readWay(splitMessages(bytes)));
  survives(t, 'answer', join([numbered(recordedLinks[0], 7), refusal(request, 0x200)]), (bytes) => readAnswer(bytes, 7));
  survives(t, 'answer with a head', refusal(request.subarray(0, 16), 0x300), (bytes) => readAnswer(bytes, 7));
  t.end();
});

t.test('a datagram ends with a message', (t) => {
  const datagram = join(recordedAddresses);
  const ends = new Set([0]);
  for (const message of recordedAddresses) ends.add(Math.max(...ends) + message.length);
  for (let length = 0; length <= datagram.length; length++) {
    const cut = datagram.subarray(0, length);
    if (ends.has(length)) t.equal(join([...splitMessages(cut)]).length, length);
    else t.throws(() => splitMessages(cut), { code: 'linux/bad-netlink' }, `${length} bytes`);
  }
  t.end();
});

t.test('addresses as text', (t) => {
  for (const text of ['0.0.0.0', '192.0.2.7', '::', '::1', '2001:db8::7', 'fe80::1:0:0:1', '1:2:3:4:5:6:7:8', '2001:db8:0:1:1:1:1:1']) {
    t.equal(formatIpAddress(parseIpAddress(text)), text);
  }
  t.equal(formatIpAddress(parseIpAddress('2001:DB8:0:0:0:0:0:7')), '2001:db8::7');
  t.equal(formatIpAddress(parseIpAddress('::ffff:192.0.2.7')), '::ffff:c000:207');
  t.equal(formatIpAddress(parseIpAddress('fe80::1%eth0')), 'fe80::1');
  t.equal(formatIpAddress(new Uint8Array(5)), undefined);
  t.equal(formatIpAddress(undefined), undefined);
  for (const bad of ['', 'a', '1.2.3', '1.2.3.256', ':::', '1::2::3', '/24'])
    t.throws(() => parseIpAddress(bad), { code: 'linux/bad-netlink' });
  t.end();
});

t.test('prefixes', (t) => {
  t.ok(isInPrefix('192.0.2.200', '192.0.2.7', 24));
  t.notOk(isInPrefix('192.0.3.200', '192.0.2.7', 24));
  t.ok(isInPrefix('192.0.3.200', '192.0.2.7', 23));
  t.ok(isInPrefix('198.51.100.1', '0.0.0.0', 0));
  t.notOk(isInPrefix('192.0.2.6', '192.0.2.7', 32));
  t.ok(isInPrefix('2001:db8::ffff', '2001:db8::', 112));
  t.notOk(isInPrefix('2001:db8::1:ffff', '2001:db8::', 112));
  t.notOk(isInPrefix('192.0.2.7', '2001:db8::', 0), 'of another family');
  t.notOk(isInPrefix('192.0.2.7', '192.0.2.7', 33));
  t.end();
});
