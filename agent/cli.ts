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
import { notifyCommand } from './commands/notify.ts';
import { rearrangeCommand } from './commands/rearrange.ts';
import { reassembleCommand } from './commands/reassemble.ts';
import { recoverCommand } from './commands/recover.ts';
import { requirementsCommand } from './commands/requirements.ts';
import { showCommand } from './commands/show.ts';
import { statusCommand } from './commands/status.ts';
import { unloadCommand } from './commands/unload.ts';
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
In the capture kernel:
  kcapture dmesg /proc/vmcore /mnt/vmcore-dmesg.txt   the log first: it is small and tells most
  kcapture dump /proc/vmcore /mnt/vmcore              then the memory
The next morning:
  kcapture inspect vmcore                             what happened, is the dump whole?
  crash vmlinux vmcore                                or drgn -c vmcore

Exit codes:
${exitTable}

Called under the name "makedumpfile" it takes makedumpfile's command line.`;

export async function run(system: System, build: BuildInfo, words: readonly string[]): Promise<ExitCode> {
  let exit: ExitCode = 0;
  const program = new Command('kcapture')
    .description(introduction)
    .version(build.version, '-V, --version', 'print the version')
    .helpCommand('help [command]', 'explain a command')
    .addHelpText('after', epilogue)
    .showSuggestionAfterError()
    .configureOutput({ writeOut: (text) => system.print(text), writeErr: (text) => system.printError(text) });
  const commands = [
    dumpCommand(system, (code) => {
      exit = code;
    }),
    dmesgCommand(system),
    inspectCommand(system),
    rearrangeCommand(system),
    reassembleCommand(system),
    vtopCommand(system),
    captureCommand(system, build, (code) => {
      exit = code;
    }),
    recoverCommand(system, (code) => {
      exit = code;
    }),
    installCommand(system, build),
    statusCommand(system, build, (code) => {
      exit = code;
    }),
    testCommand(system, build, (code) => {
      exit = code;
    }),
    listCommand(system),
    loadCommand(system, build, (code) => {
      exit = code;
    }),
    unloadCommand(system),
    estimateCommand(system, build),
    notifyCommand(system, (code) => {
      exit = code;
    }),
    showCommand(system, (code) => {
      exit = code;
    }),
    configCommand(system, (code) => {
      exit = code;
    }),
    requirementsCommand(system, build),
    imageCommand(system, build),
    versionCommand(system, build),
  ];
  for (const command of commands) program.addCommand(inheritSettings(command, program));
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
