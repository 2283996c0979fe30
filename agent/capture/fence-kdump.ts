/** Tells the other nodes of a cluster, for as long as the capture runs, that this one is saving its memory and need not be fenced. */
import type { System } from '../sys/system.ts';
import type { CaptureSettings } from './settings.ts';
import type { ProgramTask } from './background.ts';
import type { RunLog } from './run-log.ts';

/** Endless, every ten seconds. @source fence_kdump_send(8) */
const usualArguments = ['-p', '7410', '-f', 'auto', '-c', '0', '-i', '10'];

export function startFenceKdump(system: System, { configuration }: CaptureSettings, log: RunLog): void {
  const { fenceKdumpNodes: nodes, fenceKdumpArguments: words } = configuration;
  if (nodes.length === 0) return;
  const program = system.programs.find('fence_kdump_send') ?? system.programs.find('/usr/libexec/fence_kdump_send');
  if (program === undefined) return log.warn('fence_kdump_send is not in the image: the other nodes are not told');
  const task: ProgramTask = { kind: 'program', argv: [program, ...(words.length > 0 ? words : usualArguments), ...nodes] };
  system.startWorkers([task]);
  log.info(`telling ${nodes.join(', ')} that the dump is under way`);
}
