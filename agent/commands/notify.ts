/** `kcapture notify`: tells web hooks about new captures. */
import { Command } from 'commander';
import { printable } from '../binary/printable.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { notifyCaptures } from '../host/saved/notify.ts';
import { savedFolders } from '../host/saved/saved-folders.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';

type Flags = { dryRun?: true; json?: true };

export function notifyCommand(system: System, setExit: SetExit): Command {
  return new Command('notify')
    .summary('tell the configured web hooks about new captures')
    .description(
      'Sends a JSON message about each capture that a hook ("notify" in the configuration) has not heard of. Run at boot, after a crash.',
    )
    .option('--dry-run', 'say who would be told about what, and send nothing')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => runNotify(system, flags, setExit));
}

async function runNotify(system: System, flags: Flags, setExit: SetExit): Promise<void> {
  const { configuration } = readHostConfiguration(system);
  const { folders } = savedFolders(system);
  const deliveries = await notifyCaptures(system, { folders, urls: configuration.notify, dryRun: flags.dryRun ?? false });
  if (flags.json) system.print(`${JSON.stringify({ deliveries }, undefined, 2)}\n`);
  else if (configuration.notify.length === 0) system.print('No web hook is configured: there is nobody to tell.\n');
  else if (deliveries.length === 0) system.print('There is nothing new.\n');
  else
    for (const { capture, hook, outcome, problem } of deliveries) {
      system.print(`${outcome}: ${hook} about ${printable(capture)}${problem === undefined ? '' : `: ${printable(problem)}`}\n`);
    }
  if (deliveries.some(({ outcome }) => outcome === 'failed')) setExit(1);
}
