/** `kcapture reassemble`: the parts of a split dump back into one. */
import { Command } from 'commander';
import { formatBytes } from '../binary/units.ts';
import { openOutput } from '../dump/output.ts';
import { UsageError } from '../errors.ts';
import { reassemble } from '../format/kdump/reassemble.ts';
import type { System } from '../sys/system.ts';

export function reassembleCommand(system: System): Command {
  return new Command('reassemble')
    .summary('join the parts of a split dump')
    .description('Joins the parts that "kcapture dump --split" or "makedumpfile --split" wrote, in any order.')
    .argument('<PART...>', 'all parts, then the name of the joined dump')
    .option('-f, --force', 'replace the joined dump if it exists')
    .usage('[options] <PART> <PART...> <OUT>')
    .action((paths: string[], flags: { force?: true }) => {
      const out = paths[paths.length - 1];
      const bytes = reassembleFiles(system, { parts: paths.slice(0, -1), out, overwrite: flags.force ?? false, inPlace: false });
      system.printError(`reassembled  ${out}  ${formatBytes(bytes)}\n`);
    });
}

export type ReassembleRequest = { parts: string[]; out: string; overwrite: boolean; inPlace: boolean };

/** @returns bytes of the joined dump. @throws FormatError when a part is missing, doubled or of another dump. */
export function reassembleFiles(system: System, { parts, out, overwrite, inPlace }: ReassembleRequest): number {
  if (parts.length < 2) throw new UsageError('usage/parts', 'Cannot reassemble: expected two parts or more, then the output');
  const files = parts.map((path) => system.openFile(path));
  const output = openOutput(system, out, { overwrite, inPlace, dryRun: false, inputs: parts });
  try {
    const { sizeBytes } = reassemble(files, output.sink);
    output.commit();
    return sizeBytes;
  } catch (error) {
    output.discard();
    throw error;
  } finally {
    for (const file of files) file.close();
  }
}
