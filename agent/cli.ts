/**
 * The command line of `kcapture`.
 *
 * Comes in: words and a system. Goes out: an exit code; every error has been printed. Called as `makedumpfile`, the words are
 * makedumpfile's.
 */
import { Command, CommanderError } from 'commander';
import { captureCommand } from './commands/capture.ts';
import { configCommand } from './commands/config.ts';
import { dmesgCommand } from './commands/dmesg.ts';
import { dumpCommand } from './commands/dump.ts';
import { estimateCommand } from './commands/estimate.ts';
import { imageCommand } from './commands/image.ts';
import { inspectCommand } from './commands/inspect.ts';
import { installCommand } from './commands/install.ts';
import { listCommand } from './commands/list.ts';
import { loadCommand } from './commands/load.ts';
import { mountStepCommand } from './commands/mount-step.ts';
import { notifyCommand } from './commands/notify.ts';
import { rearrangeCommand } from './commands/rearrange.ts';
import { reassembleCommand } from './commands/reassemble.ts';
import { recoverCommand } from './commands/recover.ts';
import { requirementsCommand } from './commands/requirements.ts';
import { showCommand } from './commands/show.ts';
import { statusCommand } from './commands/status.ts';
import { unloadCommand } from './commands/unload.ts';
import { targetCommand } from './commands/target.ts';
import { testCommand } from './commands/test.ts';
import { type BuildInfo, versionCommand } from './commands/version.ts';
import { vtopCommand } from './commands/vtop.ts';
import { type ExitCode, exitCodes, KcaptureError, UsageError } from './errors.ts';
import type { System } from './sys/system.ts';

const introduction = `Captures the memory of a crashed Linux kernel: reads /proc/vmcore, leaves out the pages nobody needs, compresses the rest and writes a dump that crash and drgn open.`;

const exitTable = Object.entries(exitCodes)
  .map(([code, meaning]) => `  ${code}  ${meaning}`)
  .join('\n');

const epilogue = `
Once, on the healthy machine:
  kcapture estimate                       how much memory to reserve, and where to say so
  kcapture install && kcapture load       from now on a crash is captured with nobody watching
  kcapture status                         is that so?
The next morning:
  kcapture show                           what happened, what was saved, is it whole?
By hand, in a rescue shell of the capture kernel:
  kcapture capture --to /mnt              the log, then the memory
  kcapture dump /proc/vmcore /mnt/vmcore  the memory alone

Exit codes:
${exitTable}

Called under the name "makedumpfile" it takes makedumpfile's command line.`;

export async function run(system: System, build: BuildInfo, words: readonly string[]): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const program = new Command('kcapture')
    .description(introduction)
    .version(build.version, '-V, --version', 'print the version')
    .commandsGroup('About kcapture:')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', epilogue)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => system.print(text), writeErr: (text) => system.printError(text) });
  const setExit = (code: ExitCode) => {
    exit = code;
  };
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Arm this machine:': [
      installCommand(system, build),
      estimateCommand(system, build),
      loadCommand(system, build, setExit),
      unloadCommand(system),
      statusCommand(system, build, setExit),
      testCommand(system, build, setExit),
      targetCommand(system, setExit),
      configCommand(system, setExit),
    ],
    'In the capture kernel:': [captureCommand(system, build, setExit), dmesgCommand(system), dumpCommand(system, setExit)],
    'After the crash:': [
      listCommand(system),
      showCommand(system, setExit),
      recoverCommand(system, setExit),
      notifyCommand(system, setExit),
      inspectCommand(system),
      rearrangeCommand(system),
      reassembleCommand(system),
      vtopCommand(system),
    ],
    'For image generators:': [requirementsCommand(system, build), imageCommand(system, build)],
    'About kcapture:': [versionCommand(system, build)],
  };
  for (const [heading, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(inheritSettings(command.helpGroup(heading), program));
  }
  program.addCommand(inheritSettings(mountStepCommand(system), program), { hidden: true });
  program.exitOverride();
  try {
    await program.parseAsync(words as string[], { from: 'user' });
    return exit;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 || error.code === 'commander.help' ? 0 : 2;
    return reportError(system, error);
  }
}

/** Output and exits of a command and of those below it. */
function inheritSettings(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent).exitOverride();
  for (const below of command.commands) inheritSettings(below, command);
  return command;
}

/** Prints what failed, then what to do. */
export function reportError(system: System, error: unknown): ExitCode {
  if (!(error instanceof KcaptureError)) {
    system.printError(`kcapture: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
  system.printError(`kcapture: ${error.message}\n`);
  if (error.hint !== undefined) system.printError(`  ${error.hint}\n`);
  return error instanceof UsageError ? 2 : 1;
}
