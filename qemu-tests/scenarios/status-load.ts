/**
 * `kcapture status` on a machine that is unarmed, armed, stale, short of space, without its target, without reservation; and `kcapture load` where the
 * kernel would refuse: each time the right answer, exit code and remedy.
 */
import { diskUuid } from '../machine/disks.ts';
import type { Boot } from '../machine/boot.ts';
import type { Scenario } from '../scenario.ts';
import type { Checks } from '../verify/checks.ts';

const configuration = `ext4 UUID=${diskUuid('dump')}\npath /crash\ngenerator own\n`;
const restore = 'cp /etc/kcapture.conf.sound /etc/kcapture.conf';
const status = 'kcapture status --json';
const loaded = 'cat /sys/kernel/kexec_crash_loaded';
/** The table of certificates cut off, and its entry in the header zeroed. @source PE/COFF, data directory 4 */
const unsigned = `cp /vmlinuz /root/unsigned && header=$(od -An -tu4 -j60 -N4 /root/unsigned) && header=$((header)) && at=$((header + 24 + 112 + 32)) &&
  end=$(($(od -An -tu4 -j$at -N4 /root/unsigned))) && [ "$end" -gt 1000000 ] && truncate -s "$end" /root/unsigned &&
  dd if=/dev/zero of=/root/unsigned bs=1 seek="$at" count=8 conv=notrunc status=none`;

export const statusLoad: Scenario = {
  name: 'status-load',
  kernels: ['6.1'],
  usesMachines: true,
  async run({ checks, machine }) {
    const { boot } = machine({ crashkernel: '256M', udev: false, disks: [{ name: 'dump', kind: 'ext4', sizeMiB: 256 }] });
    const first = await boot({
      stepsLimitSeconds: 600,
      files: { '/etc/kcapture.conf': configuration, '/etc/kcapture.conf.sound': configuration },
      steps: [
        { name: 'mount', run: 'open_disk_dump' },
        { name: 'install', run: 'kcapture install' },
        { name: 'unarmed', run: status, exit: 'any' },
        { name: 'no-kernel', run: 'kcapture load --kernel /etc/hosts', exit: 'any' },
        { name: 'no-file', run: 'kcapture load --kernel /boot/none', exit: 'any' },
        { name: 'load', run: 'kcapture load' },
        { name: 'armed', run: status, exit: 'any' },
        { name: 'long-line', run: `echo "cmdline_append $(printf %02000d 0)" >>/etc/kcapture.conf; kcapture load`, exit: 'any' },
        { name: 'still-loaded', run: loaded },
        { name: 'stale', run: `${restore}; echo time_limit 10m >>/etc/kcapture.conf; ${status}`, exit: 'any' },
        { name: 'fresh-again', run: `${restore}; ${status}`, exit: 'any' },
        { name: 'tight', run: `fallocate -l $(($(stat -f -c '%f * %S' /disk/dump) - 70000000)) /disk/dump/fill; ${status}`, exit: 'any' },
        { name: 'full', run: `fallocate -l $(($(stat -f -c '%f * %S' /disk/dump) - 7000000)) /disk/dump/rest; ${status}`, exit: 'any' },
        { name: 'read-only', run: `rm /disk/dump/fill /disk/dump/rest; mount -o remount,ro /disk/dump; ${status}`, exit: 'any' },
        { name: 'unreachable', run: `umount /disk/dump; unplug dump; ${status}`, exit: 'any' },
        { name: 'unload', run: 'kcapture unload' },
        { name: 'shrink', run: `echo ${64 * 1024 * 1024} >/sys/kernel/kexec_crash_size` },
        { name: 'too-small', run: `echo 'path /crash\ngenerator own' >/etc/kcapture.conf; kcapture load`, exit: 'any' },
        { name: 'give-back', run: 'echo 0 >/sys/kernel/kexec_crash_size' },
        { name: 'no-reservation', run: status, exit: 'any' },
        { name: 'load-nowhere', run: 'kcapture load', exit: 'any' },
      ],
    });
    judgeStatus(checks, first);
    checks.equal(first.output('still-loaded').trim(), '1', 'a load that fails leaves what was loaded');
    refused(checks, first, 'no-kernel', /"\/etc\/hosts"/, /--kernel/);
    refused(checks, first, 'no-file', /there is no such file/, /--kernel/);
    refused(checks, first, 'long-line', /command line: \d+ bytes, expected at most \d+/, /Remove words.*longest are 0/);
    refused(checks, first, 'too-small', /reservation has 64.* MiB, expected at least/, /kcapture estimate/);
    refused(checks, first, 'load-nowhere', /no memory is reserved/, /kcapture estimate/);

    const locked = await boot({
      commandLine: 'lockdown=integrity',
      stepsLimitSeconds: 600,
      attach: { dump: 'absent' },
      steps: [
        { name: 'lockdown', run: 'mount -t securityfs securityfs /sys/kernel/security; cat /sys/kernel/security/lockdown' },
        { name: 'untrusted', run: 'kcapture load', exit: 'any' },
        { name: 'unsigned', run: `${unsigned} && kcapture load --kernel /root/unsigned`, exit: 'any' },
        { name: 'status', run: status, exit: 'any' },
      ],
    });
    checks.ok(/\[integrity\]/.test(locked.output('lockdown')), 'the kernel is locked down', locked.output('lockdown'));
    refused(checks, locked, 'untrusted', /locked down \(integrity\) and does not trust the signature/, /Secure Boot/);
    refused(checks, locked, 'unsigned', /locked down \(integrity\) and this kernel file carries no signature/, /signed kernel/);
    checks.note(
      `status ${first.stepSeconds.get('armed')} s, load ${first.stepSeconds.get('load')} s, boots ${first.totalSeconds.toFixed(0)} and ${locked.totalSeconds.toFixed(0)} s`,
    );
  },
};

const exitCodes = { fail: 4, warn: 5 } as const;
/** Step → the one check that decides, and what it says. */
const judgements: Readonly<Record<string, readonly [name: string, level: keyof typeof exitCodes, text: RegExp]>> = {
  unarmed: ['loaded', 'fail', /no capture kernel is loaded/],
  stale: ['image', 'warn', /out of date/],
  tight: ['room', 'warn', /incomplete|half as large/],
  full: ['room', 'fail', /not even the log fits/],
  'read-only': ['target', 'warn', /read-only/],
  unreachable: ['target', 'fail', new RegExp(diskUuid('dump'))],
  'no-reservation': ['reserved', 'fail', /nothing, though the command line asks for 256/],
};

type Answer = {
  readonly verdict: string;
  readonly exitCode: number;
  readonly checks: readonly { readonly name: string; readonly level: string; readonly text: string; readonly hint?: string }[];
};

function judgeStatus(checks: Checks, boot: Boot): void {
  for (const [step, [name, level, text]] of Object.entries(judgements)) {
    const answer = JSON.parse(boot.output(step)) as Answer;
    const found = answer.checks.find((check) => check.name === name && check.level === level);
    checks.ok(found !== undefined && text.test(found.text), `status, ${step}: "${name}" says what is wrong`, boot.output(step));
    checks.ok((found?.hint ?? '') !== '', `status, ${step}: the next thing to do is named`, found?.text);
    checks.equal([answer.exitCode, boot.status(step)], [exitCodes[level], exitCodes[level]], `status, ${step}: the exit code is right`);
  }
  for (const step of ['armed', 'fresh-again']) {
    const answer = JSON.parse(boot.output(step)) as Answer;
    const wrong = answer.checks.filter(({ level }) => level === 'warn' || level === 'fail');
    checks.equal([answer.verdict, boot.status(step), wrong], ['armed', 0, []], `status, ${step}: nothing is wrong`);
  }
}

function refused(checks: Checks, boot: Boot, step: string, cause: RegExp, remedy: RegExp): void {
  const said = boot.output(step);
  checks.equal(boot.status(step), 1, `load, ${step}: it fails`);
  checks.ok(cause.test(said), `load, ${step}: the cause is told`, said);
  checks.ok(remedy.test(said), `load, ${step}: the remedy is told`, said);
}
