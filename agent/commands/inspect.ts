/** `kcapture inspect`: what is this file, and what does it tell about the crash? */
import { Command, InvalidArgumentError } from 'commander';
import { formatInspection } from '../analyse/format-inspection.ts';
import { inspectFile } from '../analyse/inspect.ts';
import { GiB } from '../binary/units.ts';
import { createProgress } from '../dump/progress.ts';
import type { System } from '../sys/system.ts';

type Flags = { json?: true; maxUnpacked?: number };

export function inspectCommand(system: System): Command {
  return new Command('inspect')
    .summary('tell what a dump is and what it says')
    .description('Kind, kernel, crash time, panic line, pages, codecs; complete or not. Reads a dump inside a .zip in place.')
    .argument('<FILE>', 'a vmcore, a dump, or a .zip that holds one')
    .option('--json', 'print as JSON')
    .option('--max-unpacked <GIB>', 'the largest compressed member of a .zip to unpack, in GiB (default 64)', parseGib)
    .action((path: string, flags: Flags) => printInspection(system, path, flags));
}

async function printInspection(system: System, path: string, flags: Flags): Promise<void> {
  const progress = createProgress(system);
  let total = 0;
  const onProgress = (done: number, all: number) => {
    if (all !== total) progress.start('unpacking', all, 1);
    total = all;
    progress.update(done);
  };
  const inspection = await inspectFile(system, path, { maxUnpackedBytes: flags.maxUnpacked, onProgress });
  if (total > 0) progress.end();
  system.print(flags.json ? `${JSON.stringify(inspection, undefined, 2)}\n` : formatInspection(inspection));
}

function parseGib(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 2 ** 23)) throw new InvalidArgumentError('Expected a number of GiB above 0.');
  return value * GiB;
}
