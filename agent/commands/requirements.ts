/** `kcapture requirements`: what an image must hold, for the hooks of image generators. */
import { Command, Option } from 'commander';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { collectRequirements } from '../host/requirements/collect-requirements.ts';
import { formatRequirements } from '../host/requirements/format-requirements.ts';
import type { Consumer } from '../host/requirements/requirements.ts';
import type { System } from '../sys/system.ts';
import type { BuildInfo } from './version.ts';

type Flags = { for: Consumer; kernel?: string; json?: true };

const epilogue = `
Prints one line for each thing, its fields parted by tabs:
  file SOURCE DESTINATION MODE   program PATH   library PATH   firmware PATH   cmdline WORD   warning TEXT
Kernel modules are files, decompressed. Sources that had to be made stay until the next call.`;

export function requirementsCommand(system: System, build: BuildInfo): Command {
  return new Command('requirements')
    .summary('tell what an image for the capture kernel must hold')
    .description('Resolves the configuration against this machine and lists every file, program and library a capture needs.')
    .addOption(new Option('--for <CONSUMER>', 'who asks').choices(['dracut', 'mkinitcpio', 'image']).makeOptionMandatory())
    .option('--kernel <RELEASE>', 'release of the capture kernel (default: the running one)')
    .option('--json', 'print as JSON')
    .addHelpText('after', epilogue)
    .action((flags: Flags) => {
      const { configuration } = readHostConfiguration(system);
      const kernelRelease = flags.kernel ?? system.kernel.utsname().release;
      const requirements = collectRequirements(system, { consumer: flags.for, configuration, kernelRelease, build });
      system.print(flags.json ? `${JSON.stringify(requirements, undefined, 2)}\n` : formatRequirements(requirements));
    });
}
