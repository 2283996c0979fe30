/**
 * Targets below which a layer has to be opened: a logical volume, and in its absence a LUKS2 volume with a key file. One image serves both crashes.
 */
import { partitionUuid } from '../machine/disks.ts';
import type { Scenario } from '../scenario.ts';
import { checkCrash } from '../verify/crash-and-capture.ts';

const files = {
  '/etc/kcapture.conf': 'ext4 /dev/vg_pool/crash\next4 /dev/mapper/crypt_safe\npath /crash\ngenerator own\ndevice_timeout 3\n',
  '/etc/crypttab': `crypt_safe UUID=${partitionUuid('safe')} /etc/kcapture-keys/safe.key luks\n`,
};

/** A machine that shares its host with others is slow. */
const captureLimitSeconds = 400;

export const layers: Scenario = {
  name: 'layers',
  kernels: ['6.12'],
  usesMachines: true,
  async run({ checks, folder, machine }) {
    const guest = machine({
      // What estimate recommends with these programs in the image; with less the executable is read again and again.
      crashkernel: '224M',
      memoryMiB: 1024,
      disks: [
        { name: 'pool', kind: 'lvm', sizeMiB: 512 },
        { name: 'safe', kind: 'luks', sizeMiB: 512 },
      ],
    });
    const load = { name: 'load', run: 'kcapture load' };
    const open = { name: 'open', run: 'open_disk_pool && open_disk_safe' };

    const first = await guest.boot({
      files,
      steps: [open, load, { name: 'status', run: 'kcapture status', exit: 5 }],
      crash: true,
      captureLimitSeconds,
    });
    const second = await guest.boot({
      steps: [
        open,
        load,
        // Armed with it, it goes away before the crash.
        { name: 'take-out', run: 'send /disk/pool/crash && umount /disk/pool && vgchange -q -an vg_pool && unplug pool' },
      ],
      crash: true,
      captureLimitSeconds,
    });
    checkCrash({ checks, folder, name: 'logical volume', crashed: first, dumps: second.file('/disk/pool/crash'), failed: [] });
    checks.ok(/made before and still right/.test(second.output('load')), 'one image serves both crashes', second.output('load'));

    const last = await guest.boot({ steps: [open], collect: ['/disk/safe/crash'] });
    const failed = [['ext4 /dev/vg_pool/crash', /"vg_pool" not found/]] as const;
    checkCrash({ checks, folder, name: 'LUKS with a key file', crashed: second, dumps: last.file('/disk/safe/crash'), failed });
  },
};
