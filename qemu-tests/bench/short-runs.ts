/**
 * What takes milliseconds: the log alone, and starting up. Processor time is left out: GNU time knows it to 10 ms.
 *
 * From exec to the first page is measured as the whole run, from exec to exit, of a dump of a made machine with 305 pages to keep: its pages take less
 * than a millisecond, so that what is left is the program's start, opening the vmcore, finding its way in it, and the end. `version` is the start alone.
 */
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCrash } from '../../agent/testing/build-crash.ts';
import { captureSettings } from './capture-settings.ts';
import { type Cost, runTimed } from './measure.ts';
import { middle } from './middle.ts';
import type { Program } from './programs.ts';
import { type Row, row } from './table.ts';

export type ShortBench = {
  readonly our: Program;
  readonly their: Program;
  readonly folder: string;
  /** As for `taskset -c`. */
  readonly cpus: string;
  readonly runs: number;
};

/** @param vmcore Whose log is read. @returns Rows without a level. */
export function compareDmesg(bench: ShortBench, vmcore: string): readonly Row[] {
  const output = join(bench.folder, 'dmesg');
  const [their, our] = inTurns(
    bench,
    [
      [...bench.their.command, '--dump-dmesg', '-f', vmcore, output],
      [...bench.our.command, 'dmesg', vmcore, output],
    ],
    output,
  );
  return rowsOfCosts('dmesg', our, their);
}

/** @returns Rows without a level: the start alone and a whole tiny dump, and both as the capture kernel starts ours. */
export function compareStart(bench: ShortBench): readonly Row[] {
  const vmcore = join(bench.folder, 'tiny-vmcore');
  const output = join(bench.folder, 'tiny-dump');
  writeFileSync(vmcore, buildCrash());
  const { our, their } = bench;
  const words = ['-z', '-d', '31'];
  const [ourVersion, ourDump] = [[...our.command, 'version'], our.argv([...words, '--num-threads', '1'], vmcore, output)];
  const settings = ['env', ...captureSettings()];
  const costs = inTurns(
    bench,
    [
      [...their.command, '-v'],
      ourVersion,
      [...settings, ...ourVersion],
      their.argv(words, vmcore, output),
      ourDump,
      [...settings, ...ourDump],
    ],
    output,
  );
  rmSync(vmcore);
  const [theirVersion, version, settledVersion, theirDump, dump, settledDump] = costs;
  return [
    ...rowsOfCosts('version', version, theirVersion),
    ...rowsOfCosts('version, capture settings', settledVersion, theirVersion),
    ...rowsOfCosts('tiny dump', dump, theirDump),
    ...rowsOfCosts('tiny dump, capture settings', settledDump, theirDump),
  ];
}

type Short = Pick<Cost, 'wallSeconds' | 'peakBytes'> & { readonly sizeBytes: number };

/** Medians, in the order of the commands. */
function inTurns({ folder, cpus, runs }: ShortBench, commands: readonly (readonly string[])[], output: string): readonly Short[] {
  const results = commands.map((): Short[] => []);
  for (let turn = 0; turn < runs; turn++) {
    for (const [index, argv] of commands.entries()) {
      rmSync(output, { force: true });
      const { wallSeconds, peakBytes } = runTimed(argv, cpus, join(folder, 'times'));
      results[index].push({ wallSeconds, peakBytes, sizeBytes: statSync(output, { throwIfNoEntry: false })?.size ?? 0 });
    }
  }
  rmSync(output, { force: true });
  return results.map((costs) => ({
    wallSeconds: middle(costs.map(({ wallSeconds }) => wallSeconds)),
    peakBytes: middle(costs.map(({ peakBytes }) => peakBytes)),
    sizeBytes: middle(costs.map(({ sizeBytes }) => sizeBytes)),
  }));
}

function rowsOfCosts(contender: string, ours: Short, theirs: Short): readonly Row[] {
  return [
    row({ contender, figure: 'wall', unit: 's' }, ours.wallSeconds, theirs.wallSeconds),
    row({ contender, figure: 'peak memory', unit: 'bytes' }, ours.peakBytes, theirs.peakBytes),
    ...(contender === 'dmesg' ? [row({ contender, figure: 'size', unit: 'bytes' }, ours.sizeBytes, theirs.sizeBytes)] : []),
  ];
}
