import t from 'tap';
import { planRoute } from './give-routes.ts';

const ours = new Set(['192.0.2.7']);
const armed = { link: 'eth0', destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7' };
const planned = { link: 4, destination: '0.0.0.0/0', gateway: '192.0.2.1', source: '192.0.2.7', onLink: true, metric: undefined };

t.test('a way is laid as it was', (t) => {
  t.same(planRoute(armed, 4, 0, ours, undefined), planned);
  t.same(planRoute({ ...armed, destination: '198.51.100.0/24', gateway: undefined }, 4, 0, ours, undefined), {
    ...planned,
    destination: '198.51.100.0/24',
    gateway: undefined,
    onLink: false,
  });
  t.end();
});

t.test('a way may not leave from an address that this machine has no more', (t) => {
  t.equal(planRoute({ ...armed, source: '192.0.2.99' }, 4, 0, ours, undefined).source, undefined);
  t.end();
});

t.test('a new lease brings the gateway of what leads everywhere, and of nothing else', (t) => {
  t.equal(planRoute(armed, 4, 0, ours, '192.0.2.254').gateway, '192.0.2.254');
  t.equal(planRoute({ ...armed, destination: '10.0.0.0/8' }, 4, 0, ours, '192.0.2.254').gateway, '192.0.2.1');
  t.equal(planRoute({ ...armed, gateway: undefined }, 4, 0, ours, '192.0.2.254').gateway, undefined);
  t.end();
});

t.test('a second way to the same place stands behind the first', (t) => {
  t.equal(planRoute(armed, 4, 0, ours, undefined).metric, undefined);
  t.ok((planRoute(armed, 4, 2, ours, undefined).metric ?? 0) > (planRoute(armed, 4, 1, ours, undefined).metric ?? 0));
  t.end();
});

t.test('a link-local gateway is on its link without being told', (t) => {
  t.equal(planRoute({ ...armed, destination: '::/0', gateway: 'fe80::1', source: undefined }, 4, 0, ours, undefined).onLink, false);
  t.end();
});
