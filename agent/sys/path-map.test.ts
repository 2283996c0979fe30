/** A tree shown as the whole machine: no link and no `..` leads out of it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createPathMap } from './path-map.ts';

t.test('the machine itself: paths stay as they are, relative ones are refused', (t) => {
  const { follow, itself, back } = createPathMap('/');
  t.equal(follow('/sys/../etc'), '/sys/../etc', 'the kernel follows');
  t.equal(itself('/etc/'), '/etc/');
  t.equal(back('/etc'), '/etc');
  for (const path of ['etc', '', '../etc', '/etc\0'])
    t.throws(() => follow(path), { code: 'files/io', message: /expected an absolute one/ }, JSON.stringify(path));
  t.end();
});

t.test('links are followed inside the tree', (t) => {
  const root = t.testdir({ sys: { block: {}, devices: { pci: { sda: { size: '8\n' } } } }, etc: { fstab: '' } });
  symlinkSync('../devices/pci/sda', join(root, 'sys/block/sda'));
  symlinkSync('/etc/fstab', join(root, 'absolute'));
  symlinkSync('/sys/block', join(root, 'etc/block'));
  symlinkSync('nowhere/at/all', join(root, 'etc/broken'));
  const { follow, itself, back } = createPathMap(root);
  const cases = {
    '/sys/block/sda/size': '/sys/devices/pci/sda/size',
    '/sys/block/sda/..': '/sys/devices/pci',
    '/sys/block/sda/../../../block': '/sys/block',
    '/absolute': '/etc/fstab',
    '/etc/block/sda/size': '/sys/devices/pci/sda/size',
    '/etc/broken': '/etc/nowhere/at/all',
    '/etc//./fstab/': '/etc/fstab',
    '/none/below/../x': '/none/x',
    '/': '/',
    '/../../..': '/',
  };
  for (const [path, expected] of Object.entries(cases)) t.equal(back(follow(path)), expected, path);
  t.equal(back(itself('/sys/block/sda')), '/sys/block/sda', 'the link itself');
  t.equal(back(itself('/etc/block/sda')), '/sys/block/sda', 'a link on the way is followed');
  t.end();
});

t.test('nothing leads out', (t) => {
  const folder = t.testdir({ secret: 'outside', tree: {} });
  const root = join(folder, 'tree');
  mkdirSync(join(root, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'secret'), 'inside');
  symlinkSync(`${'../'.repeat(30)}secret`, join(root, 'a/b/up'));
  symlinkSync(join(folder, 'secret'), join(root, 'a/host'));
  symlinkSync('..', join(root, 'a/parent'));
  symlinkSync('two', join(root, 'one'));
  symlinkSync('one', join(root, 'two'));
  const { follow, back } = createPathMap(root);
  t.equal(back(follow('/a/b/up')), '/secret');
  t.equal(follow('/a/host'), join(root, folder, 'secret'), 'a path of the host is a path in the tree');
  t.equal(back(follow('/a/parent/../../secret')), '/secret');
  t.throws(() => follow('/one/x'), { code: 'files/io', message: /too many symbolic links/ });
  t.end();
});
