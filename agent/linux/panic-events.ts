/**
 * Which events end in a panic, and so in a dump: what the kernel's switches say now, and the drop-in that sets them.
 *
 * Comes in: `/proc/sys` or a list of events by name. Goes out: an explanation for each event, or the text of a file for `/etc/sysctl.d`.
 * Names and meanings: Documentation/admin-guide/sysctl/kernel.rst and vm.rst; kernel/watchdog.c, kernel/hung_task.c, kernel/panic.c.
 */
import type { Files } from '../sys/files-interface.ts';
import { UsageError } from '../errors.ts';

export type PanicEventName = 'panic' | 'oops' | 'warn' | 'nmi' | 'softlockup' | 'hardlockup' | 'hungtask' | 'oom' | 'rcu';

/** `unknown`: the switch could not be read. `absent`: this kernel cannot notice the event at all. */
export type EventOutcome = 'dump' | 'no-dump' | 'absent' | 'unknown';

export type EventReport = {
  readonly name: PanicEventName;
  /** What happens, e.g. `a CPU runs kernel code for more than 20 s`. */
  readonly meaning: string;
  readonly outcome: EventOutcome;
  /** The switches and their values, or why there is none. */
  readonly because: string;
};

type Switch = { readonly key: string; readonly value: number };

type PanicEvent = {
  readonly name: PanicEventName;
  readonly meaning: string;
  /** Any of them not 0: the event panics. */
  readonly switches: readonly string[];
  /** All of them must be not 0, or the event is never noticed. */
  readonly needs: readonly string[];
  /** What the drop-in sets, each with what it means there. */
  readonly sets: readonly (Switch & { readonly comment: string })[];
};

const events: readonly PanicEvent[] = [
  { name: 'panic', meaning: 'the kernel gives up by itself', switches: [], needs: [], sets: [] },
  {
    name: 'oops',
    meaning: 'kernel code touches memory it must not, or a BUG() is hit',
    switches: ['kernel.panic_on_oops'],
    needs: [],
    sets: [
      {
        key: 'kernel.panic_on_oops',
        value: 1,
        comment: 'A fault in kernel code or a BUG(): panic, instead of ending the process and going on',
      },
    ],
  },
  {
    name: 'warn',
    meaning: 'a WARN() in the kernel is hit',
    switches: ['kernel.panic_on_warn'],
    needs: [],
    sets: [
      {
        key: 'kernel.panic_on_warn',
        value: 1,
        comment: 'Any warning of the kernel: panic. Warnings are often harmless; for test machines',
      },
    ],
  },
  {
    name: 'nmi',
    meaning: 'an interrupt that cannot be masked arrives: a failing device, or the button of a server',
    switches: ['kernel.unknown_nmi_panic', 'kernel.panic_on_unrecovered_nmi', 'kernel.panic_on_io_nmi'],
    needs: [],
    sets: [
      {
        key: 'kernel.unknown_nmi_panic',
        value: 1,
        comment: 'An NMI of unknown origin, such as the NMI button or "chassis power diag": panic',
      },
      {
        key: 'kernel.panic_on_unrecovered_nmi',
        value: 1,
        comment: 'An NMI the hardware could not recover from, such as a memory parity error: panic',
      },
      { key: 'kernel.panic_on_io_nmi', value: 1, comment: 'An NMI by an I/O error: panic' },
    ],
  },
  {
    name: 'softlockup',
    meaning: 'a CPU runs kernel code and lets nothing else run for twice kernel.watchdog_thresh seconds',
    switches: ['kernel.softlockup_panic'],
    needs: ['kernel.soft_watchdog'],
    sets: [
      { key: 'kernel.soft_watchdog', value: 1, comment: 'Notice CPUs that are stuck in kernel code' },
      { key: 'kernel.softlockup_panic', value: 1, comment: 'A CPU stuck in kernel code for twice kernel.watchdog_thresh seconds: panic' },
    ],
  },
  {
    name: 'hardlockup',
    meaning: 'a CPU takes no interrupt for kernel.watchdog_thresh seconds',
    switches: ['kernel.hardlockup_panic'],
    needs: ['kernel.nmi_watchdog'],
    sets: [
      { key: 'kernel.nmi_watchdog', value: 1, comment: 'Notice CPUs that take no interrupts; uses one performance counter a CPU' },
      { key: 'kernel.hardlockup_panic', value: 1, comment: 'A CPU that takes no interrupts for kernel.watchdog_thresh seconds: panic' },
    ],
  },
  {
    name: 'hungtask',
    meaning: 'a process waits without being interruptible for kernel.hung_task_timeout_secs seconds',
    switches: ['kernel.hung_task_panic'],
    needs: ['kernel.hung_task_timeout_secs'],
    sets: [
      { key: 'kernel.hung_task_timeout_secs', value: 120, comment: 'Notice processes that wait uninterruptibly for this many seconds' },
      { key: 'kernel.hung_task_panic', value: 1, comment: 'Such a process: panic. Slow network storage can cause it too' },
    ],
  },
  {
    name: 'oom',
    meaning: 'the machine runs out of memory',
    switches: ['vm.panic_on_oom'],
    needs: [],
    sets: [
      {
        key: 'vm.panic_on_oom',
        value: 1,
        comment: 'Out of memory: panic, instead of killing a process (limits of cgroups and policies still kill)',
      },
    ],
  },
  {
    name: 'rcu',
    meaning: 'a CPU holds up RCU for longer than the stall limit',
    switches: ['kernel.panic_on_rcu_stall'],
    needs: [],
    sets: [{ key: 'kernel.panic_on_rcu_stall', value: 1, comment: 'An RCU stall: panic' }],
  },
];

export const panicEventNames: readonly PanicEventName[] = events.map(({ name }) => name);

/**
 * The words of `--panic-on`.
 * @throws UsageError `usage/panic-on`: a word that is no event; the hint lists them.
 */
export function parsePanicEvents(text: string): readonly PanicEventName[] {
  const words = text.split(',').map((word) => word.trim());
  for (const word of words) {
    if (panicEventNames.includes(word as PanicEventName)) continue;
    throw new UsageError('usage/panic-on', `Cannot panic on "${word}": expected ${panicEventNames.slice(1).join(', ')}`);
  }
  return [...new Set(words)] as PanicEventName[];
}

/**
 * A file for `/etc/sysctl.d` that makes these events panic.
 * @param rebootSeconds `kernel.panic`: after that long a machine whose capture kernel could not be started reboots.
 */
export function panicDropIn(names: readonly PanicEventName[], rebootSeconds = 10): string {
  const chosen = events.filter(({ name, sets }) => names.includes(name) && sets.length > 0);
  const lines = [
    '# Written by "kcapture install --panic-on"; "kcapture install --uninstall" removes it.',
    `# Events that end in a panic, and so in a dump: ${chosen.map(({ name }) => name).join(', ') || 'only panics themselves'}`,
    '',
    '# When no capture kernel is loaded or it cannot be started: reboot after this many seconds instead of standing still',
    `kernel.panic = ${rebootSeconds}`,
  ];
  for (const { sets } of chosen) {
    // A leading "-": sysctl does not fail where the running kernel was built without the switch.
    for (const { key, value, comment } of sets) lines.push('', `# ${comment}`, `-${key} = ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

/** What each event leads to on the running system, in the order of the table. */
export function explainEvents(files: Pick<Files, 'readTextIfThere' | 'status'>): readonly EventReport[] {
  return events.map((event) => ({ name: event.name, meaning: event.meaning, ...outcomeOf(event, files) }));
}

/**
 * The number in a sysctl, e.g. `kernel.panic`.
 * `undefined`: it is not there, may not be read, or holds no number.
 */
export function readSysctl(files: Pick<Files, 'readTextIfThere'>, key: string): number | undefined {
  const text = files.readTextIfThere(sysctlPath(key), 4096)?.trim();
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function sysctlPath(key: string): string {
  return `/proc/sys/${key.replaceAll('.', '/')}`;
}

function outcomeOf(event: PanicEvent, files: Pick<Files, 'readTextIfThere' | 'status'>): Pick<EventReport, 'outcome' | 'because'> {
  if (event.switches.length === 0) return { outcome: 'dump', because: 'always' };
  const there = event.switches.filter((key) => files.status(sysctlPath(key)) !== undefined);
  if (there.length === 0) return { outcome: 'absent', because: `this kernel has no ${event.switches[0]}` };
  const values = there.map((key) => ({ key, value: readSysctl(files, key) }));
  const off = event.needs.map((key) => ({ key, value: readSysctl(files, key) })).find(({ value }) => value === 0);
  if (off !== undefined) return { outcome: 'no-dump', because: `${off.key} = 0: it is never noticed` };
  const on = values.find(({ value }) => value !== undefined && value !== 0);
  if (on !== undefined) return { outcome: 'dump', because: `${on.key} = ${on.value}` };
  const unread = values.find(({ value }) => value === undefined);
  if (unread !== undefined) return { outcome: 'unknown', because: `cannot read ${unread.key}` };
  return { outcome: 'no-dump', because: values.map(({ key }) => `${key} = 0`).join(', ') };
}
