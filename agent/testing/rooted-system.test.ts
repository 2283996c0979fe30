/** One folder as the whole machine. */
import { chmodSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { createPrograms } from '../sys/machine-programs.ts';
import { createRootedSystem, putTree } from './rooted-system.ts';
import { runByNode } from './run-by-node.ts';

t.test('paths of the product are paths below the folder', async (t) => {
  const root = t.testdir();
  putTree(root, {
    'etc/fstab': '/dev/sda1 / ext4\n',
    'proc/vmcore': 'memory',
    'sys/devices/pci/sda/size': '8\n',
    'var/crash/old': '',
    'usr/sbin/lvm': '#!/bin/sh\necho "in the tree: $1"\n',
  });
  putTree(root, { 'sys/block/.keep': '' });
  symlinkSync('../devices/pci/sda', join(root, 'sys/block/sda'));
  chmodSync(join(root, 'usr/sbin/lvm'), 0o755);
  const system = await createRootedSystem(root, { programs: createPrograms(runByNode, root) });

  t.equal(system.readText('/etc/fstab'), '/dev/sda1 / ext4\n');
  t.equal(system.files.readTextIfThere('/sys/block/sda/size'), '8\n');
  t.equal(system.files.realPath('/sys/block/sda'), '/sys/devices/pci/sda');
  t.equal(system.openFile('/proc/vmcore').sizeBytes, 6);
  t.ok(system.exists('/proc/vmcore'));
  t.notOk(system.exists('/proc/self'), 'nothing of this machine');
  t.notOk(system.isBlockDevice('/dev/sda'));
  t.ok(system.sameFile('/sys/block/sda/size', '/sys/devices/pci/sda/size'));
  const sink = system.createFile('/var/crash/new-incomplete');
  sink.write(0, new Uint8Array([0x61]));
  sink.close();
  system.rename('/var/crash/new-incomplete', '/var/crash/new');
  system.remove('/var/crash/old');
  t.same(system.files.list('/var/crash'), ['new']);
  t.equal(readFileSync(join(root, 'var/crash/new'), 'utf8'), 'a');
  t.equal(system.files.makeWorkFolder().startsWith('/run/kcapture-'), true, 'neither /var/tmp nor /tmp is there');
  t.ok(existsSync(join(root, 'run')));
  t.equal(system.programs.run(['lvm', 'vgs']).stdout, 'in the tree: vgs\n');
  t.equal(system.programs.find('sh'), undefined);
  system.print('out');
  system.printError('error');
  t.same(system.printed, { out: 'out', error: 'error' });
});
