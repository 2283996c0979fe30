import t from 'tap';
import { KcaptureError } from '../errors.ts';
import { messageAttributes, messageHead, numberBytes } from '../linux/netlink/message.ts';
import { readAddresses } from '../linux/netlink/addresses.ts';
import { readWay } from '../linux/netlink/routes.ts';
import { addressMessage, askNeighbourMessage, newRouteMessage, readNeighbourMessage } from './route-requests.ts';

const route = { link: 4, destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7', onLink: true, metric: undefined };

t.test('an address is given as it is read back, and one of IPv6 is used at once', (t) => {
  for (const address of ['192.0.2.7/24', '2001:db8::7/64', 'fe80::1/128']) {
    const [{ link, address: read, prefixLength }] = readAddresses([addressMessage('add', 4, address)]);
    t.same([link, `${read}/${prefixLength}`], [4, address]);
  }
  t.same(messageAttributes(addressMessage('add', 4, '2001:db8::7/64'), 8).get(8), numberBytes(2, 4));
  t.equal(messageAttributes(addressMessage('add', 4, '192.0.2.7/24'), 8).get(8), undefined);
  t.equal(messageHead.read(addressMessage('remove', 4, '192.0.2.7/24')).type, 21);
  t.end();
});

t.test('a way is laid by all that is known of it', (t) => {
  t.match(readWay([newRouteMessage(route)]), {
    kind: 'unicast',
    destination: '0.0.0.0/0',
    link: 4,
    gateway: '192.0.2.1',
    source: '192.0.2.7',
  });
  t.equal(newRouteMessage(route)[16 + 8], 4, 'on its link');
  t.equal(messageAttributes(newRouteMessage(route), 12).get(1), undefined, 'everywhere');
  t.same(messageAttributes(newRouteMessage({ ...route, destination: '10.0.0.0/8', metric: 2049 }), 12).get(6), numberBytes(2049, 4));
  t.equal(newRouteMessage({ ...route, gateway: undefined })[16 + 6], 253, 'what is on the link has its scope');
  t.equal(newRouteMessage({ ...route, destination: '::/0', gateway: 'fe80::1%eth0', source: undefined })[16], 10);
  t.end();
});

t.test('a neighbour answers, is asked, is silent, or is not known', (t) => {
  const states = [0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80].map((state) => {
    const message = askNeighbourMessage(4, '192.0.2.1');
    message.set(numberBytes(state, 2), 16 + 8);
    return readNeighbourMessage(message).state;
  });
  t.same(states, ['unknown', 'asking', 'answers', 'answers', 'answers', 'answers', 'silent', 'answers', 'answers']);
  t.match(readNeighbourMessage(askNeighbourMessage(4, '2001:DB8:0::1')), { link: 4, of: '2001:db8::1', address: undefined });
  t.end();
});

t.test('what is no address is not sent', (t) => {
  for (const text of ['', 'x', '192.0.2.7', '192.0.2.7/33', '2001:db8::/129', '192.0.2.7/24/1', '192.0.2.7/-1', '/24']) {
    t.throws(() => addressMessage('add', 4, text), { code: /^(linux\/bad-netlink|network-up\/netlink)$/ }, text);
  }
  for (const text of ['', 'host', '1.2.3', '1.2.3.4/8', ':::'])
    t.throws(() => askNeighbourMessage(4, text), { code: /^(linux\/bad-netlink|network-up\/netlink)$/ }, text);
  t.end();
});

t.test('a message that is cut or damaged is an error, or tells something', (t) => {
  const message = askNeighbourMessage(4, '192.0.2.1');
  for (let at = 0; at < message.length; at++) {
    attempt(() => readNeighbourMessage(message.slice(0, at)));
    for (const mask of [0x01, 0x80, 0xff]) {
      const damaged = message.slice();
      damaged[at] ^= mask;
      attempt(() => readNeighbourMessage(damaged));
    }
  }
  t.pass('nothing else came of it');
  t.end();
});

function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
  }
}
