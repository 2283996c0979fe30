/** `kcapture estimate`: how much memory to reserve for the capture kernel, and how to say so to the boot loader. */
import { Command } from 'commander';
import { formatBytes } from '../binary/units.ts';
import { applyGrub } from '../host/estimate/boot/apply-grub.ts';
import { findBootEdit } from '../host/estimate/boot/find-boot-edit.ts';
import { formatEstimate } from '../host/estimate/format-estimate.ts';
import { gatherNeedFacts, readMemoryBytes } from '../host/estimate/need-facts.ts';
import { recommend } from '../host/estimate/recommend.ts';
import { readHostConfiguration } from '../host/host-configuration.ts';
import { readKexecState } from '../host/load/kexec-state.ts';
import { findWords, parseCommandLine } from '../linux/command-line.ts';
import { crashkernelWords, reservationFor, tryReservation } from '../linux/crashkernel-reservation.ts';
import { readMemoryMap } from '../linux/iomem.ts';
import type { System } from '../sys/system.ts';
import type { BuildInfo } from './version.ts';

type Flags = { kernel?: string; explain?: string; apply?: true; json?: true };

export function estimateCommand(system: System, build: BuildInfo): Command {
  return new Command('estimate')
    .summary('say how much memory to reserve for the capture kernel')
    .description('Adds up what a capture on this machine takes, compares it with what is reserved, and names the file to edit.')
    .option('--kernel <RELEASE|FILE>', 'the capture kernel (default: the configured one, else the running one)')
    .option('--explain <WORDS>', 'what these crashkernel= words would reserve on this machine, and nothing else')
    .option('--apply', 'make the change, where GRUB reads drop-ins; it holds from the next start on')
    .option('--json', 'print as JSON')
    .action((flags: Flags) => (flags.explain === undefined ? estimate(system, build, flags) : explain(system, flags.explain, flags)));
}

function estimate(system: System, build: BuildInfo, flags: Flags): void {
  const { configuration } = readHostConfiguration(system);
  const { facts, release, warnings } = gatherNeedFacts(system, { configuration, kernel: flags.kernel, build });
  const { machine } = system.kernel.utsname();
  const recommendation = recommend(facts, reservedBytes(system), machine);
  const line = parseCommandLine(system.files.readTextIfThere('/proc/cmdline') ?? '');
  const wordsNow = findWords(line, 'crashkernel').map(({ text }) => text);
  const { reservation, problem } = tryReservation(line, { memoryBytes: facts.memoryBytes, machine });
  const explanation = problem === undefined ? (wordsNow.length > 0 ? (reservation?.explanation ?? []) : []) : [problem.message];
  const edit = findBootEdit(system, { word: recommendation.word, old: wordsNow });
  const applied = flags.apply ? applyGrub(system, recommendation.word, edit, build.version) : undefined;
  for (const warning of warnings) system.printError(`kcapture: warning: ${warning}\n`);
  if (flags.json) {
    system.print(`${JSON.stringify({ release, ...recommendation, facts, wordsNow, explanation, edit, applied }, undefined, 2)}\n`);
    return;
  }
  system.print(formatEstimate({ release, recommendation, edit, wordsNow, explanation }));
  if (applied === undefined) return;
  const what = applied.changed ? 'Wrote' : 'Nothing new in';
  system.print(`${what} ${applied.file}, then ran "${applied.command}". Restart to reserve the memory.\n`);
}

/** All pieces together; the files of /sys and /proc know different parts of it, depending on the kernel's version and the reader. */
function reservedBytes(system: System): number {
  const pieces = readMemoryMap(system).crashKernel.reduce((sum, { start, end }) => sum + (end - start), 0);
  return Math.max(pieces, readKexecState(system).reservedBytes ?? 0);
}

/** @throws LinuxError `linux/crashkernel`: where the words cannot be read, and what was expected there. */
function explain(system: System, text: string, flags: Flags): void {
  const line = text.split(/\s+/).map((word) => (word === '' || word.startsWith('crashkernel=') ? word : `crashkernel=${word}`));
  const machine = { memoryBytes: readMemoryBytes(system), machine: system.kernel.utsname().machine };
  const reservation = reservationFor(crashkernelWords(parseCommandLine(line.join(' '))), machine);
  const sentences = [...reservation.explanation, `Together ${formatBytes(reservation.totalBytes)} of ${formatBytes(machine.memoryBytes)}`];
  system.print(
    flags.json
      ? `${JSON.stringify({ ...reservation, ...machine }, undefined, 2)}\n`
      : sentences.map((sentence) => `${sentence}\n`).join(''),
  );
}
