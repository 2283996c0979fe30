/** fstab's words for mount(2). */
import t from 'tap';
import { parseMountOptions } from './mount-options.ts';

t.test('flags become bits, the rest is text', (t) => {
  const cases: Record<string, [flags: number, data: string]> = {
    '': [0, ''],
    defaults: [0, ''],
    'ro,noatime,subvol=/@': [1 | 1024, 'subvol=/@'],
    'rw,relatime': [2 ** 21, ''],
    'ro,rw': [0, ''],
    'rw,ro': [1, ''],
    'nosuid,nodev,noexec,sync,dirsync': [2 | 4 | 8 | 16 | 128, ''],
    'nosuid,suid': [0, ''],
    'remount,bind,ro': [32 | 4096 | 1, ''],
    rbind: [4096 | 16384, ''],
    'lazytime,silent,nodiratime,strictatime': [(2 ** 25) | 32768 | 2048 | (2 ** 24), ''],
    'nofail,noauto,user,_netdev,x-systemd.device-timeout=5,X-mount.mkdir,comment=a': [0, ''],
    'errors=remount-ro,data=ordered': [0, 'errors=remount-ro,data=ordered'],
    'context="system_u:object_r:tmp_t:s0:c1,c2",ro': [1, 'context="system_u:object_r:tmp_t:s0:c1,c2"'],
    ',,ro,,': [1, ''],
    'constructor,toString,__proto__': [0, 'constructor,toString,__proto__'],
    'a="unended,ro': [0, 'a="unended,ro'],
  };
  for (const [text, [flags, data]] of Object.entries(cases)) t.same(parseMountOptions(text), { flags, data }, text);
  t.end();
});
