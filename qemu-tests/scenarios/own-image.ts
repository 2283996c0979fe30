/**
 * A machine with kcapture's own image: it arms itself, crashes with nobody watching, and the next boot finds a whole capture.
 */
import { diskUuid } from '../machine/disks.ts';
import type { Scenario } from '../scenario.ts';
import { checkAgainstMemory, checkCompleteCapture, readManifest, savedCaptures } from '../verify/saved-capture.ts';

export const ownImage: Scenario = {
  name: 'own-image',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ kernel, checks, folder, machine }) {
    const { boot } = machine({ crashkernel: '192M', systemd: true, disks: [{ name: 'dump', kind: 'ext4', sizeMiB: 2048 }] });
    const armed = await boot({
      files: { '/etc/kcapture.conf': `ext4 UUID=${diskUuid('dump')}\npath /crash\ngenerator own\n` },
      steps: [
        { name: 'mount', run: 'open_disk_dump' },
        { name: 'install', run: 'kcapture install' },
        { name: 'before', run: 'kcapture status', exit: 4 },
        { name: 'load', run: 'kcapture load' },
        { name: 'status', run: 'kcapture status' },
      ],
      crash: true,
      keepMemory: true,
    });
    const { capture } = armed;
    checks.equal([capture.ending, capture.panicked], ['reset', false], 'the capture kernel saves and reboots by itself');

    const next = await boot({
      systemd: false,
      steps: [
        { name: 'mount', run: 'open_disk_dump' },
        { name: 'list', run: 'kcapture list' },
        { name: 'show', run: 'kcapture show --verify' },
      ],
      collect: ['/disk/dump/crash'],
    });
    const captures = savedCaptures(next.file('/disk/dump/crash'));
    checks.equal(captures.length, 1, 'there is one capture');
    checkCompleteCapture(checks, kernel, captures[0], folder);
    checkAgainstMemory(checks, kernel, captures[0], armed.memoryVmcore(), folder);
    checks.ok(/complete/.test(next.output('list')), 'list names it', next.output('list'));
    const { captureKernel, elapsedMs } = readManifest(captures[0]);
    checks.note(
      `up ${armed.upSeconds} s, load ${armed.stepSeconds.get('load')} s, crash to reboot ${capture.seconds.toFixed(1)} s; ` +
        `log on disk after ${elapsedMs.dmesg} ms; peak ${captureKernel.peakMemoryBytes} of ${captureKernel.memoryBytes} bytes`,
    );
  },
};
