/** `kcapture unload`: gives up the loaded capture kernel. */
import { Command } from 'commander';
import { withLoadLock } from '../host/load/load-lock.ts';
import { unload } from '../host/load/unload.ts';
import type { System } from '../sys/system.ts';

export function unloadCommand(system: System): Command {
  return new Command('unload')
    .summary('give up the loaded capture kernel')
    .description('After this a crash is not captured. The reserved memory stays reserved.')
    .option('--json', 'print the result as JSON')
    .action((flags: { json?: true }) => {
      const unloaded = withLoadLock(system, () => unload(system));
      if (flags.json) system.print(`${JSON.stringify({ unloaded })}\n`);
      else system.print(unloaded ? 'Unloaded: a crash will not be captured\n' : 'Nothing was loaded\n');
    });
}
