import t from 'tap';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';
import { findKeyFile } from './crypttab.ts';

const uuid = 'eed897eb-f7f4-4b7a-ac04-6c11519e0799';

t.test('key files come from crypttab, by name or by UUID, or lie where systemd looks', async (t) => {
  const root = t.testdir({});
  putTree(root, {
    '/etc/crypttab': `# comment\nroot /dev/vda3 /keys/root luks\nother UUID="${uuid.toUpperCase()}" /keys/other\nnone UUID=x none\nremote UUID=y /keys/gone\ndevice UUID=z /key:/dev/sdb1\n`,
    '/keys/root': 'k',
    '/keys/other': 'k',
    '/etc/cryptsetup-keys.d/none.key': 'k',
  });
  const system = await createRootedSystem(root);
  t.same(findKeyFile(system, 'root', 'a'), { path: '/keys/root' });
  t.same(findKeyFile(system, 'luks-x', uuid), { path: '/keys/other' });
  t.same(findKeyFile(system, 'none', 'x'), { path: '/etc/cryptsetup-keys.d/none.key' });
  t.match(findKeyFile(system, 'remote', 'y'), { why: /"\/keys\/gone" is not there/ });
  t.match(findKeyFile(system, 'device', 'z'), { why: /is not there/ });
  t.match(findKeyFile(system, 'unknown', 'q'), { why: /no key file/ });
});
