import t from 'tap';
import { createRootedSystem } from '../../testing/rooted-system.ts';
import { parseResolverFile, readNameService } from './name-servers.ts';

t.test('servers and domains, as the C library reads them', (t) => {
  const text =
    '# made by hand\nnameserver 192.0.2.53\n  nameserver\t2001:db8::53 \nnameserver 192.0.2.53\ndomain old.example\nsearch a.example b.example .\noptions ndots:2\n';
  t.same(parseResolverFile(text), { nameServers: ['192.0.2.53', '2001:db8::53'], searchDomains: ['a.example', 'b.example'] });
  t.same(parseResolverFile('domain old.example'), { nameServers: [], searchDomains: ['old.example'] });
  t.end();
});

t.test('what is no server on the network, and more than the C library takes', (t) => {
  const bad = ['127.0.0.53', '::1', '0.0.0.0', 'ns.example', '', '1.2.3', '192.0.2.53;reboot'];
  t.same(parseResolverFile(bad.map((server) => `nameserver ${server}\n`).join('')), { nameServers: [], searchDomains: [] });
  const many = Array.from({ length: 20 }, (_, at) => `nameserver 192.0.2.${at}\n`).join('');
  t.same(parseResolverFile(many).nameServers, ['192.0.2.0', '192.0.2.1', '192.0.2.2']);
  t.same(parseResolverFile(`search ${'x'.repeat(300)} a;b ${'y.example '.repeat(9)}`).searchDomains.length, 6);
  t.same(parseResolverFile('search a$(b) ok.example').searchDomains, ['ok.example']);
  t.end();
});

t.test('behind a resolver of the machine stands another file', async (t) => {
  const stub = 'nameserver 127.0.0.53\nsearch corp.example\n';
  const read = async (tree: Record<string, unknown>) => readNameService(await createRootedSystem(t.testdir(tree as never)));
  t.same(await read({ etc: { 'resolv.conf': stub }, run: { systemd: { resolve: { 'resolv.conf': 'nameserver 192.0.2.53\n' } } } }), {
    nameServers: ['192.0.2.53'],
    searchDomains: ['corp.example'],
  });
  const manager = { NetworkManager: { 'no-stub-resolv.conf': 'search x.example\nnameserver 192.0.2.54\n' } };
  t.same(await read({ etc: { 'resolv.conf': 'nameserver 127.0.0.1\n' }, run: manager }), {
    nameServers: ['192.0.2.54'],
    searchDomains: ['x.example'],
  });
  t.same(await read({ etc: { 'resolv.conf': stub } }), { nameServers: [], searchDomains: ['corp.example'] });
  t.same(await read({}), { nameServers: [], searchDomains: [] });
});
