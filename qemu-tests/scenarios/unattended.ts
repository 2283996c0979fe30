/**
 * The automatic run, one scenario for each kind of image: the machine arms itself, crashes with nobody watching, reboots, and the next boot finds a
 * whole capture.
 */
import { diskUuid } from '../machine/disks.ts';
import type { Scenario } from '../scenario.ts';
import { checkAgainstMemory, checkCompleteCapture, readManifest, savedCaptures } from '../verify/saved-capture.ts';

export type UnattendedImage = {
  readonly name: string;
  /** Lines of the configuration that choose the image. */
  readonly configuration: string;
  readonly crashkernel: string;
  /** Whether the machine that arms itself runs systemd. */
  readonly systemd: boolean;
  /** The dump is compared with the memory as QEMU has it: costs a copy of it. */
  readonly keepMemory: boolean;
};

export const unattendedImages: readonly UnattendedImage[] = [
  { name: 'own-image', configuration: 'generator own', crashkernel: '192M', systemd: true, keepMemory: true },
  // What dracut makes when nobody asks for more: the capture is the first process.
  { name: 'dracut-default', configuration: 'generator dracut', crashkernel: '192M', systemd: false, keepMemory: false },
  {
    name: 'dracut-systemd',
    configuration: 'generator dracut\ndracut_args --add "base systemd-initrd"',
    crashkernel: '256M',
    systemd: false,
    keepMemory: false,
  },
  {
    name: 'dracut-plain',
    configuration: 'generator dracut\ndracut_args --add base',
    crashkernel: '256M',
    systemd: false,
    keepMemory: false,
  },
];

/** The disk that dumps go to, and the configuration that says so. */
export const dumpDisk = { name: 'dump', kind: 'ext4', sizeMiB: 2048 } as const;

export function unattendedConfiguration(image: UnattendedImage): string {
  return `ext4 UUID=${diskUuid(dumpDisk.name)}\npath /crash\n${image.configuration}\n`;
}

export const unattendedScenarios: readonly Scenario[] = unattendedImages.map(unattended);

function unattended(image: UnattendedImage): Scenario {
  return {
    name: image.name,
    kernels: ['6.1'],
    usesMachines: true,
    async run({ kernel, checks, folder, machine }) {
      const { boot } = machine({ crashkernel: image.crashkernel, disks: [dumpDisk] });
      const armed = await boot({
        systemd: image.systemd,
        files: { '/etc/kcapture.conf': unattendedConfiguration(image) },
        stepsLimitSeconds: 600,
        steps: [
          { name: 'mount', run: 'open_disk_dump' },
          { name: 'install', run: 'kcapture install' },
          { name: 'before', run: 'kcapture status', exit: 4 },
          { name: 'load', run: 'kcapture load' },
          { name: 'status', run: 'kcapture status' },
        ],
        crash: true,
        keepMemory: image.keepMemory,
      });
      const { capture } = armed;
      checks.equal([capture.ending, capture.panicked], ['reset', false], 'the capture kernel saves and reboots by itself');

      const next = await boot({
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
      if (image.keepMemory) checkAgainstMemory(checks, kernel, captures[0], armed.memoryVmcore(), folder);
      checks.ok(/ complete /.test(next.output('list')), 'list calls it complete', next.output('list'));
      const { captureKernel, elapsedMs } = readManifest(captures[0]);
      checks.note(
        `up ${armed.upSeconds} s, load ${armed.stepSeconds.get('load')?.toFixed(1)} s, from the crash: kernel ${capture.secondsToKernel?.toFixed(1)} s, ` +
          `kcapture ${capture.secondsToAgent?.toFixed(1)} s, reboot ${capture.seconds.toFixed(1)} s; log on disk ${elapsedMs.dmesg} ms after kcapture's start; ` +
          `peak ${captureKernel.peakMemoryBytes} of ${captureKernel.memoryBytes} bytes`,
      );
    },
  };
}
