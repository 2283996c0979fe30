import t from 'tap';
import { formatAddress, parseAddress, parsePrefix } from './ip-address.ts';

t.test('addresses are spelt as RFC 5952 has them', (t) => {
  const spellings: readonly (readonly [string, string])[] = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0'],
    ['::ffff:192.0.2.7', '::ffff:c000:207'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['fe80::1%eth0', 'fe80::1'],
  ];
  for (const [text, usual] of spellings) t.equal(formatAddress(parseAddress(text)), usual, text);
  t.end();
});

t.test('all addresses come back as they were', (t) => {
  let seed = 7;
  for (let round = 0; round < 2000; round++) {
    const bytes = Uint8Array.from({ length: round % 2 === 0 ? 16 : 4 }, () => {
      seed = (seed * 48271) % 2147483647;
      return seed % 3 === 0 ? seed >> 8 : 0;
    });
    const text = formatAddress(bytes) ?? '';
    if (Buffer.compare(parseAddress(text), bytes) !== 0) t.fail(text);
  }
  t.equal(formatAddress(new Uint8Array(5)), undefined);
  t.end();
});

t.test('what is no address is an error', (t) => {
  for (const text of ['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.1.1.1', ':::', '1::2::3', '12345::', 'x', '::1/64']) {
    t.throws(() => parseAddress(text), { code: 'network-up/netlink' }, text);
  }
  t.same(parsePrefix('192.0.2.7/24'), { bytes: Uint8Array.of(192, 0, 2, 7), length: 24 });
  t.end();
});
