/**
 * The crashed kernel's memory is spoilt where a dump begins to read it, and a reservation in which the capture kernel starves.
 */
import { type CrashCycle, crashOnce } from '../machine/crash-cycle.ts';
import { diskUuid } from '../machine/disks.ts';
import { reportPlaces } from '../machine/kernel-places.ts';
import type { Boot } from '../machine/boot.ts';
import type { Scenario } from '../scenario.ts';
import { savedCaptures } from '../verify/saved-capture.ts';
import { checkLeftBehind } from '../verify/unfinished-capture.ts';

/** The capture kernel has its own memory: spoiling the other's does not disturb it. */
const captureKernel = /Linux version/;
const places = [{ name: 'places', run: reportPlaces }];

const cycles = {
  sections: {
    configuration: [],
    after: places,
    faults: [{ when: captureKernel, action: { kind: 'spoil', place: 'mem_section' } }],
    captureLimitSeconds: 400,
  },
  info: {
    configuration: [],
    after: places,
    faults: [{ when: captureKernel, action: { kind: 'spoil', place: 'vmcoreinfo' } }],
    captureLimitSeconds: 400,
  },
  /** Kernel and image fit, and nothing else does. */
  starving: { configuration: [], crashkernel: '110M', captureLimitSeconds: 300 },
} as const satisfies Readonly<Record<string, CrashCycle>>;

export const memoryFaults: Scenario = {
  name: 'memory-faults',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, machine }) {
    const guest = machine({ memoryMiB: 768, crashkernel: '224M', udev: false, disks: [{ name: 'dump', kind: 'ext4', sizeMiB: 1024 }] });
    await guest.boot({ steps: [{ name: 'up', run: 'true' }] });
    const boots = new Map<string, Boot>();
    for (const [name, cycle] of Object.entries<CrashCycle>(cycles)) {
      const configuration = [`ext4 UUID=${diskUuid('dump')}`, `path /${name}`, 'loop_limit none', ...cycle.configuration];
      const boot = await crashOnce(guest, { ...cycle, configuration });
      boots.set(name, boot);
      checks.equal(boot.capture.ending, 'reset', `${name}: the machine restarts by itself (${boot.capture.seconds.toFixed(1)} s)`);
    }
    const last = await guest.boot({
      steps: [
        { name: 'open', run: 'open_disk_dump' },
        { name: 'list', run: 'kcapture list' },
        { name: 'starving', run: 'ls -A /disk/dump/starving', exit: 'any' },
      ],
      collect: ['/disk/dump/sections', '/disk/dump/info'],
    });
    const left = (name: string) => checkLeftBehind(checks, name, savedCaptures(last.file(`/disk/dump/${name}`))[0]);

    const sections = left('sections');
    checks.equal(sections.names, ['kcapture.log', 'manifest.json', 'vmcore', 'vmcore-dmesg.txt'], 'sections: log and memory are saved');
    checks.ok(
      /Pages could not be told apart/.test(sections.manifest?.lost.join() ?? ''),
      'sections: the manifest says what the dump cost',
      sections.manifest?.lost.join(),
    );

    const info = left('info');
    checks.equal(info.names, ['kcapture.log', 'manifest.json', 'vmcore'], 'info: the memory is saved');
    checks.equal(info.manifest?.status, 'partial', 'info: without the log the capture is partial');
    checks.ok(
      /log cannot be read|cannot be opened/.test(info.manifest?.lost.join() ?? ''),
      'info: the manifest says that the log is lost',
      info.manifest?.lost.join(),
    );

    const starving = boots.get('starving')!.capture;
    checks.ok(
      last.status('starving') !== 0 || last.output('starving').trim() === '',
      'starving: nothing half-made is on the target',
      last.output('starving'),
    );
    checks.ok(/Out of memory/.test(starving.console), 'starving: the capture kernel ran out of memory', starving.console.slice(-3000));
    checks.note(
      Object.keys(cycles)
        .map((name) => describe(name, boots.get(name)!))
        .join('; '),
    );
  },
};

function describe(name: string, { capture, stepSeconds }: Boot): string {
  return `${name}: load ${stepSeconds.get('load')} s, crash to agent ${capture.secondsToAgent?.toFixed(1)} s, to reboot ${capture.seconds.toFixed(1)} s`;
}
