import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leaseScript } from './lease-script.ts';
import { parseLease } from './lease.ts';

const good = 'address=192.0.2.7\nmask=24\nrouters=192.0.2.1 192.0.2.2\nservers=192.0.2.53 198.51.100.53\n';
const lease = { address: '192.0.2.7/24', gateway: '192.0.2.1', nameServers: ['192.0.2.53', '198.51.100.53'] };

t.test('a lease is read, its mask as a length or as an address', (t) => {
  t.same(parseLease(good), lease);
  t.same(parseLease(good.replace('mask=24', 'mask=255.255.255.0')), lease);
  t.same(parseLease('address=192.0.2.7\nmask=255.255.255.255\n'), { address: '192.0.2.7/32', gateway: undefined, nameServers: [] });
  t.end();
});

t.test('what a server says is taken over only where it is an address', (t) => {
  t.same(parseLease(good.replace('192.0.2.53', '$(reboot)')), { ...lease, nameServers: ['198.51.100.53'] });
  t.same(parseLease(good.replace('routers=192.0.2.1 192.0.2.2', 'routers=127.0.0.1 224.0.0.1')), { ...lease, gateway: undefined });
  for (const address of ['', '0.0.0.0', '256.1.1.1', '1.2.3', '01.2.3.4', '255.255.255.255', '::1', '127.0.0.1']) {
    t.equal(parseLease(`address=${address}\nmask=24\n`), undefined, address);
  }
  for (const mask of ['', '0', '33', '-1', '255.0.255.0', '0.0.0.0', 'x'])
    t.equal(parseLease(`address=192.0.2.7\nmask=${mask}\n`), undefined, mask);
  t.end();
});

t.test('a file that is cut anywhere gives a lease or none', (t) => {
  for (let length = 0; length < good.length; length++) {
    const cut = parseLease(good.slice(0, length));
    if (cut !== undefined) t.match(cut.address, /^192\.0\.2\.\d+\/\d+$/);
  }
  t.end();
});

t.test('the script writes down what each client tells it', (t) => {
  const folder = t.testdir();
  const [script, leasePath] = [join(folder, 'script'), join(folder, 'lease')];
  writeFileSync(script, leaseScript(leasePath), { mode: 0o700 });
  const tell = (words: readonly string[], environment: Readonly<Record<string, string>>) => {
    const { status, stderr } = spawnSync(script, words, { env: { PATH: process.env.PATH, ...environment }, encoding: 'utf8' });
    t.same({ status, stderr }, { status: 0, stderr: '' });
    return parseLease(readFileSync(leasePath, 'utf8'));
  };
  t.same(tell(['bound'], { ip: '192.0.2.7', mask: '24', router: '192.0.2.1', dns: '192.0.2.53 198.51.100.53' }), lease, 'udhcpc');
  const routers = { new_routers: '192.0.2.1', new_domain_name_servers: '192.0.2.53 198.51.100.53' };
  const dhclient = { reason: 'BOUND', new_ip_address: '192.0.2.7', new_subnet_mask: '255.255.255.0', ...routers };
  t.same(tell([], dhclient), lease, 'dhclient');
  t.same(tell([], { ...dhclient, new_subnet_mask: '', new_subnet_cidr: '24' }), lease, 'dhcpcd');
  t.same(tell(['deconfig'], { ip: '198.51.100.1', mask: '8' }), lease, 'nothing is lent: what was stays');
  t.end();
});

t.test('the script is a sound one', { skip: spawnSync('shellcheck', ['--version']).status === 0 ? false : 'needs shellcheck' }, (t) => {
  const { stdout } = spawnSync('shellcheck', ['-'], { input: leaseScript('/run/kcapture/dhcp/lease.2'), encoding: 'utf8' });
  t.equal(stdout, '');
  t.end();
});
