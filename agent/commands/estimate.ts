/** `kcapture estimate`: how much memory to reserve for the capture kernel, and how to say so to the boot loader. */
import { Command } from 'commander';
import { applyGrub } from '../host/estimate/boot/apply-grub.ts';
import { findBootEdit } from '../host/estimate/boot/find-boot-edit.ts';
import { formatEstimate } from '../host/estimate/format-estimate.ts';
import { gatherNeedFacts } from '../host/estimate/need-facts.ts';
import { recommend } from '../host/estimate/recommend.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { readKexecState } from '../host/load/kexec-state.ts';
import { findWords, parseCommandLine } from '../linux/command-line.ts';
import { readMemoryMap } from '../linux/iomem.ts';
import type { System } from '../sys/system.ts';
import type { BuildInfo } from './version.ts';

type Flags = { kernel?: string; apply?: true; json?: true };

export function estimateCommand(system: System, build: BuildInfo): Command {
  return new Command('estimate')
    .summary('say how much memory to reserve for the capture kernel')
    .description('Adds up what a capture on this machine takes, compares it with what is reserved, and names the file to edit.')
    .option('--kernel <RELEASE|FILE>', 'the capture kernel (default: the configured one, else the running one)')
    .option('--apply', 'make the change, where GRUB reads drop-ins; it holds from the next start on')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => estimate(system, build, flags));
}

function estimate(system: System, build: BuildInfo, flags: Flags): void {
  const { configuration } = readHostConfiguration(system);
  const { facts, release, warnings } = gatherNeedFacts(system, { configuration, kernel: flags.kernel, build });
  const recommendation = recommend(facts, reservedBytes(system), system.kernel.utsname().machine);
  const line = parseCommandLine(system.files.readTextIfThere('/proc/cmdline') ?? '');
  const wordsNow = findWords(line, 'crashkernel').map(({ text }) => text);
  const edit = findBootEdit(system, { word: recommendation.word, old: wordsNow });
  const applied = flags.apply ? applyGrub(system, recommendation.word, edit, build.version) : undefined;
  for (const warning of warnings) system.printError(`kcapture: warning: ${warning}\n`);
  if (flags.json) {
    system.print(`${JSON.stringify({ release, ...recommendation, facts, wordsNow, edit, applied }, undefined, 2)}\n`);
    return;
  }
  system.print(formatEstimate({ release, recommendation, edit, wordsNow }));
  if (applied === undefined) return;
  const what = applied.changed ? 'Wrote' : 'Nothing new in';
  system.print(`${what} ${applied.file}, then ran "${applied.command}". Restart to reserve the memory.\n`);
}

/** All pieces together; the files of /sys and /proc know different parts of it, depending on the kernel's version and the reader. */
function reservedBytes(system: System): number {
  const pieces = readMemoryMap(system).crashKernel.reduce((sum, { start, end }) => sum + (end - start), 0);
  return Math.max(pieces, readKexecState(system).reservedBytes ?? 0);
}
