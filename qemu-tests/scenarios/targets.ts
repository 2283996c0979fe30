/**
 * A machine that crashes three times, and each time finds another kind of target: xfs by its label, a raw partition because the one before it has
 * gone, and the btrfs subvolume that `path` lies on.
 */
import { partitionUuid } from '../machine/disks.ts';
import type { BootOptions } from '../machine/boot.ts';
import type { Scenario } from '../scenario.ts';
import { checkCrash } from '../verify/crash-and-capture.ts';
import { checkDumpOpens } from '../verify/saved-capture.ts';

const raw = `PARTUUID=${partitionUuid('stream')}`;
const inOrder = `xfs LABEL=slab\nraw ${raw}\npath /crash\ngenerator own\ndevice_timeout 3\n`;
const byPath = 'path /disk/tree/dumps\\ngenerator own\\n';

const load = { name: 'load', run: 'kcapture load' };

export const targets: Scenario = {
  name: 'targets',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ kernel, checks, folder, machine }) {
    const guest = machine({
      crashkernel: '224M',
      memoryMiB: 1024,
      disks: [
        { name: 'slab', kind: 'xfs', sizeMiB: 512 },
        { name: 'stream', kind: 'raw-partition', sizeMiB: 512 },
        { name: 'tree', kind: 'btrfs', sizeMiB: 512 },
      ],
    });
    const boot = (options: BootOptions) => guest.boot({ crash: true, captureLimitSeconds: 400, ...options });

    const first = await boot({
      files: { '/etc/kcapture.conf': inOrder },
      // It is armed, though nothing arms it at the next boot.
      steps: [load, { name: 'status', run: 'kcapture status', exit: 5 }],
    });
    checks.equal(
      first.output('status').match(/^\S+ +target \d+/gm),
      ['ok    target 1', 'ok    target 2'],
      'status finds both targets within reach',
    );

    const second = await boot({
      steps: [
        { name: 'xfs', run: 'open_disk_slab && kcapture show --verify' },
        load,
        // Armed with it, it goes away before the crash.
        { name: 'take-out', run: 'send /disk/slab/crash && umount /disk/slab && unplug slab' },
      ],
    });
    checkCrash({ checks, folder, name: 'xfs by label', crashed: first, dumps: second.file('/disk/slab/crash'), failed: [] });

    const third = await boot({
      steps: [
        { name: 'recover', run: 'kcapture recover' },
        { name: 'recover-again', run: 'kcapture recover' },
        { name: 'open', run: `open_disk_tree && printf '${byPath}' >/etc/kcapture.conf` },
        load,
      ],
      collect: ['/crash'],
    });
    const failed = [['xfs LABEL=slab', /did not appear/]] as const;
    const streamed = checkCrash({ checks, folder, name: 'raw partition', crashed: second, dumps: third.file('/crash'), failed });
    checkDumpOpens(checks, kernel, `${streamed}/vmcore`);
    checks.ok(/was recovered before/.test(third.output('recover-again')), 'it is recovered once', third.output('recover-again'));

    const last = await boot({
      crash: false,
      steps: [{ name: 'btrfs', run: 'open_disk_tree && kcapture list' }],
      collect: ['/disk/tree/dumps'],
    });
    const name = 'btrfs subvolume by path';
    checkCrash({ checks, folder, name, crashed: third, dumps: last.file('/disk/tree/dumps'), failed: [] });
    checks.ok(/complete/.test(last.output('btrfs')), 'list finds it where path lies', last.output('btrfs'));
  },
};
