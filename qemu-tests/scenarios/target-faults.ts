/**
 * Targets that fail: one that is not there, one that cannot be written to, one that is full, one that dies and one that stops answering. The machine
 * always restarts, the next target gets what the one before could not take, and nothing looks whole that is not.
 */
import { join } from 'node:path';
import { crashOnce } from '../machine/crash-cycle.ts';
import { diskUuid, type MachineDisk } from '../machine/disks.ts';
import type { Boot } from '../machine/boot.ts';
import type { Scenario } from '../scenario.ts';
import type { Checks } from '../verify/checks.ts';
import { checkSavedLog, savedCaptures } from '../verify/saved-capture.ts';
import { checkLeftBehind } from '../verify/unfinished-capture.ts';

const disks: readonly MachineDisk[] = [
  { name: 'gone', kind: 'ext4', sizeMiB: 32 },
  { name: 'locked', kind: 'ext4', sizeMiB: 32 },
  { name: 'small', kind: 'ext4', sizeMiB: 48 },
  { name: 'dying', kind: 'ext4', sizeMiB: 256 },
  { name: 'dump', kind: 'ext4', sizeMiB: 768 },
];
const target = (name: string) => `ext4 UUID=${diskUuid(name)}`;
const freeKept = 8_000_000;
const timeLimitSeconds = 30;
/** The kernel's own start and end, on a slow machine. */
const besidesAgentSeconds = 60;

export const targetFaults: Scenario = {
  name: 'target-faults',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, folder, machine }) {
    const guest = machine({ memoryMiB: 1024, crashkernel: '224M', udev: false, disks });
    await guest.boot({ steps: [{ name: 'up', run: 'true' }] });

    const chain = await crashOnce(guest, {
      configuration: [
        ...['gone', 'locked', 'small', 'dying', 'dump'].map(target),
        'path /chain',
        'device_timeout 5s',
        'min_free 0',
        'loop_limit none',
      ],
      attach: { locked: 'read-only' },
      before: [
        {
          name: 'fill',
          run: `open_disk_small; fallocate -l $(($(stat -f -c '%f * %S' /disk/small) - ${freeKept})) /disk/small/fill; umount /disk/small`,
        },
      ],
      after: [{ name: 'unplug', run: 'unplug gone' }],
      faults: [{ when: /target\/3\/[\s\S]*filtering/, action: { kind: 'die', disk: 'dying' } }],
      captureLimitSeconds: 400,
    });
    rebooted(checks, 'four bad targets and a good one', chain);

    const nowhere = await crashOnce(guest, {
      configuration: [target('gone'), 'path /nowhere', 'device_timeout 5s'],
      after: [{ name: 'unplug', run: 'unplug gone' }],
    });
    rebooted(checks, 'no target', nowhere);
    const console = nowhere.capture.console;
    checks.ok(/did not appear within [3-7] s/.test(console), 'no target: the wait is bounded, and told', console.slice(-4000));
    checks.ok(
      /nothing could be saved[\s\S]*Kernel panic - not syncing: sysrq/.test(console),
      'no target: the end of the log is on the console',
    );

    const stuck = await crashOnce(guest, {
      configuration: [target('dying'), 'path /stuck', `time_limit ${timeLimitSeconds}s`, 'loop_limit none'],
      faults: [{ when: /filtering/, action: { kind: 'stall', disk: 'dying' } }],
    });
    rebooted(checks, 'a disk that stops answering', stuck);
    const took = stuck.capture.seconds - (stuck.capture.secondsToAgent ?? 0);
    checks.ok(took < timeLimitSeconds + besidesAgentSeconds, `a disk that stops answering: the time limit holds (${took.toFixed(1)} s)`);

    const again = await crashOnce(guest, {
      configuration: [target('dump'), 'path /chain', 'loop_limit 2 in 1d'],
      before: [{ name: 'earlier', run: 'open_disk_dump; cd /disk/dump/chain && mkdir machine-$(date -u +%F-%T)' }],
    });
    rebooted(checks, 'a machine that crashes again and again', again);

    const last = await guest.boot({
      steps: [
        { name: 'open', run: 'for name in gone locked small dying dump; do open_disk_$name; done' },
        { name: 'trees', run: 'cd /disk && find . -type f -o -type d | sort' },
        { name: 'list', run: 'kcapture list' },
      ],
      collect: ['/disk/small/chain', '/disk/dying', '/disk/dump'],
    });
    judge(checks, last, folder);
    checks.note([chain, nowhere, stuck, again].map(describe).join('; '));
  },
};

function judge(checks: Checks, boot: Boot, folder: string): void {
  const tree = boot.output('trees');
  checks.ok(!/\/(gone|locked)\/.*\/(chain|nowhere)/.test(tree), 'targets that were not there have nothing', tree);
  const at = (place: string) => boot.file(`/disk/${place}`);

  const [full] = savedCaptures(at('small/chain'));
  const inFull = checkLeftBehind(checks, 'full', full);
  checks.equal(
    inFull.names,
    ['kcapture.log', 'manifest.json', 'vmcore-dmesg.txt', 'vmcore-incomplete'],
    'full: log, part of the memory and manifest are there',
  );
  checks.equal(inFull.manifest?.status, 'partial', 'full: the manifest says that the dump is partial');
  checks.ok(/space/.test(inFull.manifest?.lost.join() ?? ''), 'full: it says why', inFull.manifest?.lost.join('\n'));

  const [dead] = savedCaptures(at('dying/chain'));
  const inDead = checkLeftBehind(checks, 'dying', dead);
  checks.ok(
    inDead.names.includes('vmcore-dmesg.txt') && !inDead.names.includes('vmcore'),
    'dying: the log is there, and no whole dump',
    inDead.names.join(),
  );
  checks.ok(inDead.log !== '', 'dying: what the run had said is there');

  const captures = savedCaptures(at('dump/chain'));
  const whole = captures.find((capture) => checkable(capture, 'vmcore')) ?? captures[0];
  const inWhole = checkLeftBehind(checks, 'the last target', whole);
  checks.equal([inWhole.manifest?.status, inWhole.manifest?.lost], ['complete', []], 'the last target has it all');
  checkSavedLog(checks, whole, folder);
  const failed = inWhole.manifest?.failedTargets.map(({ target: wish }) => wish);
  checks.equal(failed, ['gone', 'locked', 'small', 'dying'].map(target), 'its manifest names the four that failed');
  const whys = inWhole.manifest?.failedTargets.map(({ why }) => why).join('\n') ?? '';
  checks.ok(
    /did not appear[\s\S]*\n[\s\S]*(read-only|only be read)[\s\S]*\n[\s\S]*space[\s\S]*\n[\s\S]*(EIO|input\/output)/i.test(whys),
    'and why each did',
    whys,
  );

  const [stalled] = savedCaptures(at('dying/stuck'));
  const inStalled = checkLeftBehind(checks, 'stuck', stalled);
  checks.ok(
    inStalled.names.includes('vmcore-dmesg.txt') && !inStalled.names.includes('vmcore'),
    'stuck: the log is there, and no whole dump',
    inStalled.names.join(),
  );

  const newest = captures.at(-1)!;
  const inNewest = checkLeftBehind(checks, 'crash loop', newest);
  checks.equal(inNewest.names, ['kcapture.log', 'manifest.json', 'vmcore-dmesg.txt'], 'crash loop: the log alone is saved');
  checks.ok(/limit is 2/.test(inNewest.manifest?.lost.join() ?? ''), 'crash loop: the manifest says why', inNewest.manifest?.lost.join());
}

function checkable(capture: string, name: string): boolean {
  return savedCaptures(capture).includes(join(capture, name));
}

function rebooted(checks: Checks, what: string, { capture }: Boot): void {
  checks.equal(
    [capture.ending, capture.panicked],
    ['reset', false],
    `${what}: the machine restarts by itself (${capture.seconds.toFixed(1)} s)`,
  );
}

function describe({ capture, stepSeconds }: Boot): string {
  return `load ${stepSeconds.get('load')} s, crash to agent ${capture.secondsToAgent?.toFixed(1)} s, to reboot ${capture.seconds.toFixed(1)} s`;
}
