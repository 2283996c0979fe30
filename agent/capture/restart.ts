/** Restarts the machine, one way after the other. Nothing is written out: whoever calls this has done so, or cannot. */
import type { RebootAction } from '../sys/kernel-interface.ts';
import type { System } from '../sys/system.ts';

/** Time for a firmware that takes a moment. */
const patienceMs = 10_000;

/** Keys of the kernel's emergency menu; it has none that halts, and what was to halt shall not start again. @source Documentation/admin-guide/sysrq.rst */
const sysrqKeys: Readonly<Record<RebootAction, string>> = { reboot: 'b', halt: 'o', poweroff: 'o' };

/** reboot(2), then sysrq. Returns only when neither works; a watchdog that nobody feeds any more is what is left then. */
export function forceRestart(system: System, action: RebootAction, why: string): void {
  tell(system, `${action}: ${why}`);
  try {
    system.kernel.reboot(action);
    system.kernel.sleep(patienceMs);
  } catch {
    // The next way.
  }
  for (const [path, text] of [
    ['/proc/sys/kernel/sysrq', '1'],
    ['/proc/sysrq-trigger', sysrqKeys[action]],
  ]) {
    try {
      system.files.writeExisting(path, text);
    } catch {
      tell(system, `cannot write ${path}`);
    }
  }
  system.kernel.sleep(patienceMs);
  tell(system, `${action} did not work: only a watchdog can help now`);
}

function tell({ files }: System, text: string): void {
  try {
    files.writeExisting('/dev/kmsg', `<2>kcapture: ${text}\n`);
  } catch {
    // Nobody to tell.
  }
}
