/**
 * How fast a dump reaches a server on the loopback, compared with the slower of its two parts done alone: writing the same dump to a file, and somebody
 * else sending that file to the same server.
 *
 * Ours runs with the memory settings of the capture kernel and in one thread, to the file as to the server. Comes in: the vmcore, two workloads. Goes out: rows of the table. NFS is left out: only a kernel can mount it.
 */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { captureSettings } from './capture-settings.ts';
import { type Cost, runTimed } from './measure.ts';
import type { Program } from './programs.ts';
import { type Sender, startSenders } from './senders.ts';
import { type Row, row } from './table.ts';

export type NetworkBench = {
  readonly our: Program;
  readonly vmcore: string;
  /** For servers and files; has room for two dumps. */
  readonly folder: string;
  readonly cpus: string;
  readonly runs: number;
  readonly say: (line: string) => void;
};

/** The usual dump, and one of more than 2 GiB that takes no time to compress. */
const workloads = [
  { name: '-z', level: 31, options: ['-z', '--level', '-1'] },
  { name: 'uncompressed', level: 23, options: ['--compress', 'none'] },
] as const;

/** At least 0.8 of the throughput of the slower part. */
const wallTarget = 1 / 0.8;
const peakTarget = 128 * 2 ** 20;

/** @returns Rows for each workload and server. */
export async function benchNetwork(bench: NetworkBench): Promise<readonly Row[]> {
  const senders = await startSenders(bench.folder);
  try {
    const rows: Row[] = [];
    for (const workload of workloads) for (const sender of senders) rows.push(...(await compare(bench, workload, sender)));
    return rows;
  } finally {
    for (const { server } of senders) await server.kill();
  }
}

async function compare(bench: NetworkBench, { name, level, options }: (typeof workloads)[number], sender: Sender): Promise<Row[]> {
  const file = join(bench.folder, 'finished');
  const words = [...options, '--num-threads', '1', '-d', `${level}`];
  const costs = { file: [] as Cost[], peer: [] as Cost[], ours: [] as Cost[] };
  for (let run = 1; run <= bench.runs; run++) {
    rmSync(file, { force: true });
    costs.file.push(time(bench, ['env', ...captureSettings(), ...bench.our.argv(words, bench.vmcore, file)]));
    costs.peer.push(time(bench, await sender.send(file)));
    empty(sender.received);
    costs.ours.push(time(bench, ourArgv(bench, sender, words)));
    empty(sender.received);
    const [one, two, three] = [costs.file, costs.peer, costs.ours].map((list) => list.at(-1)?.wallSeconds.toFixed(2));
    bench.say(`  ${sender.name} ${name}: run ${run} of ${bench.runs}: to a file ${one} s, ${sender.peer} ${two} s, ours ${three} s`);
  }
  const sizeBytes = statSync(file).size;
  rmSync(file);
  const [ours, slower] = [middle(costs.ours), Math.max(middle(costs.file), middle(costs.peer))];
  const which = middle(costs.file) >= middle(costs.peer) ? 'file' : sender.peer;
  const peak = Math.max(...costs.ours.map(({ peakBytes }) => peakBytes));
  const start = { level, contender: `${sender.name} ${name} (${which})` };
  return [
    row({ ...start, figure: 'wall', unit: 's' }, ours, slower, wallTarget),
    row({ ...start, figure: 'MB a second', unit: 'times' }, sizeBytes / 1e6 / ours, sizeBytes / 1e6 / slower),
    row({ ...start, figure: 'peak memory', unit: 'bytes' }, peak, peakTarget, peakTarget, 'ours'),
  ];
}

function ourArgv({ our, vmcore }: NetworkBench, { credentials, url }: Sender, words: readonly string[]): readonly string[] {
  return ['env', ...captureSettings(), ...our.command, 'dump', '--json', ...words, '--credentials', credentials, vmcore, url];
}

function time({ cpus, folder }: NetworkBench, argv: readonly string[]): Cost {
  return runTimed(argv, cpus, join(folder, 'times'));
}

function middle(costs: readonly Cost[]): number {
  const sorted = costs.map(({ wallSeconds }) => wallSeconds).sort((one, other) => one - other);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** The folder itself may not be there yet. */
function empty(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
