/** `kcapture status`: would a crash be captured? */
import { Command } from 'commander';
import { formatStatus } from '../host/status/format-status.ts';
import { gatherFacts } from '../host/status/facts.ts';
import { probeTargets } from '../host/status/probe-targets.ts';
import { judge, type Status } from '../host/status/status.ts';
import type { System } from '../sys/system.ts';
import type { SetExit } from './set-exit.ts';
import type { BuildInfo } from './version.ts';

type Flags = { json?: true; quiet?: true; probe?: true };

const help = `
Exit codes: 0 armed, 4 a crash would not be captured, 5 it would, but something needs attention, 1 the check itself failed.
Anyone may ask; root sees more (image, devices, page counts).
`;

export function statusCommand(system: System, build: BuildInfo, setExit: SetExit): Command {
  return new Command('status')
    .summary('would a crash be captured now, and what would be saved?')
    .description(
      'What is reserved, loaded and fresh, whether the target can be reached and has room, which events lead to a dump, and the last captures.',
    )
    .option('--json', 'print as JSON')
    .option('--probe', 'try each target on the network too: write a file there and remove it')
    .option('-q, --quiet', 'print nothing; the exit code is the answer')
    .addHelpText('after', help)
    .action(async (flags: Flags) => {
      const status = await statusOf(system, build, flags);
      if (flags.json) system.print(`${JSON.stringify(status, undefined, 2)}\n`);
      else if (!flags.quiet)
        system.print(formatStatus(status, { colour: system.errorIsTerminal && system.environment('NO_COLOR') === undefined }));
      setExit(status.exitCode);
    });
}

async function statusOf(system: System, build: BuildInfo, { probe }: Flags): Promise<Status> {
  const facts = gatherFacts(system, build);
  return judge(facts, probe ? await probeTargets(system, facts) : []);
}
