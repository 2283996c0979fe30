/** What the running system must be told when files of ours come and go. A tree below a folder needs none of this. */
import type { System } from '../../sys/system.ts';

const unit = 'kcapture.service';

/** Makes systemd and udev read what was written. Returns sentences about what did not work. */
export function announceInstall(system: System): readonly string[] {
  return [
    ...ask(system, '/run/systemd/system', ['systemctl', 'daemon-reload']),
    ...ask(system, '/run/udev/control', ['udevadm', 'control', '--reload']),
  ];
}

/** Takes the capture kernel out of memory: without its files nobody could reload or remove it. */
export function prepareUninstall(system: System): readonly string[] {
  const isRunning = system.files.status(`/usr/lib/systemd/system/${unit}`) !== undefined;
  const problems = isRunning ? ask(system, '/run/systemd/system', ['systemctl', 'stop', unit]) : [];
  if (system.files.readTextIfThere('/sys/kernel/kexec_crash_loaded')?.trim() !== '1') return problems;
  try {
    system.kernel.kexecFileUnload(true);
  } catch (error) {
    return [...problems, `The capture kernel stays loaded until the next start: ${error instanceof Error ? error.message : String(error)}`];
  }
  return problems;
}

/** @param sign a path that is there while the program's service runs. */
function ask(system: System, sign: string, [name, ...words]: readonly string[]): readonly string[] {
  const program = system.programs.find(name);
  if (program === undefined || system.files.status(sign) === undefined) return [];
  const { status, stderr } = system.programs.run([program, ...words], { timeoutMs: 120_000 });
  return status === 0 ? [] : [`"${[name, ...words].join(' ')}" gave status ${status}: ${stderr.trim().slice(0, 300)}`];
}
