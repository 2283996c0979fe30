import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { ArmedNetwork } from '../config/armed-network.ts';
import { createRootedSystem } from '../testing/rooted-system.ts';
import { formatResolver, writeResolver } from './resolver-file.ts';

const none: ArmedNetwork = { links: [], addresses: [], routes: [], nameServers: [], searchDomains: [], leased: [] };
const network = {
  ...none,
  nameServers: ['192.0.2.53', 'fe80::1%ens3', '2001:db8::53', '192.0.2.54'],
  searchDomains: ['example.org', 'lab.example.org'],
};
const text =
  'nameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver 2001:db8::53\nsearch example.org lab.example.org\noptions timeout:2 attempts:2\n';

t.test('name servers and domains, with links as they are called here', (t) => {
  t.equal(
    formatResolver(network, () => 'eth0'),
    text,
  );
  t.equal(
    formatResolver({ ...none, nameServers: ['x y', '192.0.2.1'], searchDomains: ['a\nb'] }, (name) => name),
    'nameserver 192.0.2.1\noptions timeout:2 attempts:2\n',
  );
  t.end();
});

t.test('the file is written, in place of a link that leads nowhere', async (t) => {
  const folder = t.testdir();
  const system = await createRootedSystem(folder);
  const path = join(folder, 'etc/resolv.conf');
  writeResolver(system, network, () => 'eth0');
  t.equal(readFileSync(path, 'utf8'), text);
  const other = t.testdir({ etc: {} });
  symlinkSync('../run/systemd/resolve/stub-resolv.conf', join(other, 'etc/resolv.conf'));
  writeResolver(await createRootedSystem(other), network, () => 'eth0');
  t.equal(readFileSync(join(other, 'etc/resolv.conf'), 'utf8'), text);
});

t.test('what is there stays when no name server is known', async (t) => {
  const folder = t.testdir();
  mkdirSync(join(folder, 'etc'));
  writeFileSync(join(folder, 'etc/resolv.conf'), 'nameserver 198.51.100.1\n');
  writeResolver(await createRootedSystem(folder), none, (name) => name);
  t.equal(readFileSync(join(folder, 'etc/resolv.conf'), 'utf8'), 'nameserver 198.51.100.1\n');
});
