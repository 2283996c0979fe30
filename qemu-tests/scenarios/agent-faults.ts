/**
 * What can befall the agent itself: hooks that hang or leave processes behind, SIGKILL once and twice, no memory left, a crash of the capture kernel.
 * The machine always restarts, with the most that could be saved.
 */
import { type CrashCycle, crashOnce } from '../machine/crash-cycle.ts';
import { diskUuid } from '../machine/disks.ts';
import type { Boot } from '../machine/boot.ts';
import type { Scenario } from '../scenario.ts';
import type { Checks } from '../verify/checks.ts';
import { checkSavedLog, savedCaptures } from '../verify/saved-capture.ts';
import { checkLeftBehind, type LeftBehind } from '../verify/unfinished-capture.ts';

const script = (...lines: readonly string[]) => ['#!/bin/sh', ...lines, ''].join('\n');
const hook = '/etc/kcapture-hook';
const log = '/run/kcapture/kcapture.log';

/** Behind whose back it goes on for ever. */
const hangs = script("trap '' TERM INT HUP", 'sleep 1000 &', 'sleep 1000');
const leavesProcesses = script('sleep 1000 &', 'echo leaving');
const killsOnce = script('kill -9 $PPID', 'sleep 5');
/** The second agent dies in the middle of its dump. */
const killsTwice = script(
  '{',
  `until busybox grep -q filtering ${log}; do busybox usleep 100000; done`,
  'kill -9 $(busybox pidof kcapture)',
  '} >/dev/null 2>&1 </dev/null &',
  'kill -9 $PPID',
);
/** Takes all memory there is and cannot be killed for it. @param meanwhile A command: it goes on while that succeeds. */
const eatsMemory = (meanwhile: string) =>
  script(
    'echo -1000 >/proc/self/oom_score_adj',
    '{',
    `while ${meanwhile}; do busybox dd if=/dev/zero bs=256k count=16 >>/run/eaten; done`,
    'busybox rm /run/eaten',
    '} >/dev/null 2>&1 </dev/null &',
    'busybox sleep 5',
  );
const crashes = script('echo 1 >/proc/sys/kernel/sysrq', 'echo c >/proc/sysrq-trigger');

const cycles = {
  hooks: {
    configuration: ['hook_timeout 5s'],
    hooks: { '/etc/kdump/pre.d/10-hangs': hangs, '/etc/kdump/pre.d/20-leaves': leavesProcesses, '/etc/kdump/pre.d/30-kills': killsOnce },
  },
  twice: { configuration: [`kdump_pre ${hook}`], hooks: { [hook]: killsTwice } },
  /** Until the first agent dies of it. */
  memory: { configuration: [`kdump_pre ${hook}`], hooks: { [hook]: eatsMemory('kill -0 $PPID') }, captureLimitSeconds: 400 },
  starved: { configuration: [`kdump_pre ${hook}`], hooks: { [hook]: eatsMemory('true') }, captureLimitSeconds: 400 },
  crash: { configuration: [`kdump_pre ${hook}`], hooks: { [hook]: crashes } },
} as const satisfies Readonly<Record<string, CrashCycle>>;

export const agentFaults: Scenario = {
  name: 'agent-faults',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, folder, machine }) {
    const guest = machine({ memoryMiB: 1024, crashkernel: '224M', udev: false, disks: [{ name: 'dump', kind: 'ext4', sizeMiB: 768 }] });
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
      ],
      collect: ['/disk/dump'],
    });
    const capture = (name: string) => savedCaptures(last.file(`/disk/dump/${name}`))[0];
    const left = (name: string) => checkLeftBehind(checks, name, capture(name));

    const hooks = left('hooks');
    checks.equal([hooks.manifest?.status, hooks.manifest?.lost], ['complete', []], 'hooks: the second agent saves it all');
    checkSavedLog(checks, capture('hooks'), folder);
    told(checks, 'hooks', hooks, [/10-hangs was ended after 5 s/, /leaving/, /ended with status 137/, /kcapture \S+, safe/]);

    const twice = left('twice');
    checks.equal(
      twice.names.filter((name) => /^vmcore/.test(name)),
      ['vmcore-dmesg.txt', 'vmcore-incomplete'],
      'twice: the log is whole, the memory is not',
    );
    checks.equal(twice.manifest?.status, 'partial', 'twice: the third agent writes the manifest');
    told(checks, 'twice', twice, [/ended with status 137$/m, /ended with status 137 \(--safe\)/]);

    const memory = left('memory');
    checks.equal([memory.manifest?.status, memory.manifest?.lost], ['complete', []], 'memory: the second agent saves it all');
    told(checks, 'memory', memory, [/Out of memory: Killed process \d+ \(kcapture\)/, /ended with status 137/]);

    const starved = left('starved');
    checks.ok(
      starved.names.includes('vmcore-dmesg.txt') && !starved.names.includes('vmcore'),
      'starved: the log is there, and no whole dump',
      starved.names.join(),
    );
    checks.ok(/Out of memory/.test(boots.get('starved')!.capture.console), 'starved: the console tells of it');

    const crash = left('crash');
    checks.ok(boots.get('crash')!.capture.panicked, 'crash: the capture kernel panicked');
    checks.ok(
      crash.names.includes('vmcore-dmesg.txt') && !crash.names.includes('manifest.json'),
      'crash: the log is there, and no manifest',
      crash.names.join(),
    );
    checks.ok(/running .*kcapture-hook/.test(crash.log), 'crash: what the run had said is there', crash.log);
    checks.note(
      Object.keys(cycles)
        .map((name) => describe(name, boots.get(name)!))
        .join('; '),
    );
  },
};

function told(checks: Checks, name: string, { log: text, manifest }: LeftBehind, patterns: readonly RegExp[]): void {
  const all = `${text}\n${manifest?.lost.join('\n') ?? ''}`;
  for (const pattern of patterns) checks.ok(pattern.test(all), `${name}: it is told (${pattern.source})`, all.slice(-6000));
}

function describe(name: string, { capture, stepSeconds }: Boot): string {
  return `${name}: load ${stepSeconds.get('load')} s, crash to agent ${capture.secondsToAgent?.toFixed(1)} s, to reboot ${capture.seconds.toFixed(1)} s`;
}
