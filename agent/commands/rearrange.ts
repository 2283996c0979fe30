/** `kcapture rearrange`: a flattened stream back into the file it stands for. */
import { Command } from 'commander';
import { formatBytes } from '../binary/units.ts';
import { openOutput } from '../dump/output.ts';
import { rearrange } from '../format/flattened/rearrange.ts';
import { wrapSink } from '../sink/wrap-sink.ts';
import type { System } from '../sys/system.ts';

export function rearrangeCommand(system: System): Command {
  return new Command('rearrange')
    .summary('turn a flattened dump into a normal one')
    .description('Reads the flattened format (kcapture dump -F, makedumpfile -F) and writes each record where it belongs.')
    .argument('<IN>', 'a flattened dump; "-" is standard input')
    .argument('<OUT>', 'the dump')
    .option('-f, --force', 'replace OUT if it exists')
    .addHelpText('after', "\nExample:\n  ssh host 'kcapture dump -F /proc/vmcore -' | kcapture rearrange - vmcore\n")
    .action((input: string, out: string, flags: { force?: true }) => {
      const { bytes } = rearrangeFile(system, { input, out, overwrite: flags.force ?? false, inPlace: false });
      system.printError(`rearranged  ${out}  ${formatBytes(bytes)}\n`);
    });
}

export type RearrangeRequest = { input: string; out: string; overwrite: boolean; inPlace: boolean };

/**
 * A stream that ends early leaves what came of it behind, under its incomplete name.
 * @throws FormatError `format/incomplete`, `format/corrupt`, `format/not-a-dump`.
 */
export function rearrangeFile(system: System, { input, out, overwrite, inPlace }: RearrangeRequest): { bytes: number } {
  const reader = openInput(system, input);
  const output = openOutput(system, out, { overwrite, inPlace, dryRun: false, inputs: input === '-' ? [] : [input] });
  let isEmpty = true;
  try {
    const result = rearrange(
      reader.read,
      wrapSink(output.sink, {
        write(offset, bytes) {
          isEmpty = false;
          output.sink.write(offset, bytes);
        },
      }),
    );
    output.commit();
    return { bytes: result.sizeBytes };
  } catch (error) {
    if (isEmpty) output.discard();
    else output.keepIncomplete();
    throw error;
  } finally {
    reader.close();
  }
}

/** Reads on from where it stopped; 0 at the end. */
function openInput(system: System, path: string): { read: (target: Uint8Array) => number; close: () => void } {
  if (path === '-') return { read: (target) => system.readStandardInput(target), close() {} };
  const file = system.openFile(path, { mmap: false });
  let position = 0;
  return {
    read(target) {
      const length = Math.min(target.length, file.sizeBytes - position);
      if (length > 0) file.read(position, target.subarray(0, length));
      position += length;
      return length;
    },
    close: () => file.close(),
  };
}
