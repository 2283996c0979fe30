/** `kcapture dump`: filter, compress and write one vmcore. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { printable } from '../binary/printable.ts';
import { dump, type DumpRequest, type DumpResult } from '../dump/dump.ts';
import { parseDumpLevels } from '../config/dump-level.ts';
import { readMemoryLimit } from '../config/limits.ts';
import { createProgress, silentProgress } from '../dump/progress.ts';
import { formatStatistics, formatSummary } from '../dump/report.ts';
import type { CodecName } from '../compress/codec.ts';
import { KcaptureError, UsageError } from '../errors.ts';
import type { System } from '../sys/system.ts';
import { looksLikeUrl } from '../config/remote-url.ts';
import { dumpToServer, formatTransfer, type ServerDumpResult } from './dump-to-server.ts';
import type { SetExit } from './set-exit.ts';

type Flags = {
  compress?: CodecName | 'none';
  c?: true;
  l?: true;
  p?: true;
  z?: true;
  dumpLevel: number[];
  elf?: true;
  flatten?: true;
  force?: true;
  level?: number | 'auto';
  split?: true;
  dryRun?: true;
  showStats?: true;
  mmap: boolean;
  numThreads?: number;
  direct: boolean;
  memoryLimit?: number;
  json?: true;
  quiet?: true;
  credentials?: string;
};

const help = `
Dump level N is the sum of what may stay out:
   1  pages of zeros              8  user data (anonymous, hugetlb)
   2  page cache                 16  free pages
   4  page cache with buffers    31  all of these (default)
With -d 31,0 the second level is tried when the output has no room for the first.

Examples:
  kcapture dump /proc/vmcore /mnt/vmcore           filter, zstd, write
  kcapture dump -l -d 31 /proc/vmcore /mnt/vmcore  the same with LZO, for old readers
  kcapture dump -F /proc/vmcore - | ssh host 'cat > vmcore.flat'
  kcapture dump /proc/vmcore ssh://dumps@host/srv  to a server, into a folder of its own
  kcapture dump --dry-run --show-stats vmcore -    how large would it be?

Ctrl-C: a file stays as OUT-incomplete. On a server nothing of the dump stays, as far as it answers within ten seconds; once more ends at once, and then what the server
has of it may stay: vmcore-incomplete by ssh, parts of an upload in a bucket, which a later dump removes when they are a day old.
`;

export function dumpCommand(system: System, setExit: SetExit): Command {
  return new Command('dump')
    .summary('filter, compress and write a vmcore')
    .description(
      'Reads VMCORE (ELF, kdump-compressed or flattened), leaves out the pages nobody needs, and writes a dump for crash and drgn.',
    )
    .argument('<VMCORE>', 'the memory of the crashed kernel, usually /proc/vmcore')
    .argument(
      '<OUT...>',
      'the dump; "-" is standard output (with -F); ssh://, http://, https://, s3:// a place on a server; several with --split',
    )
    .addOption(new Option('--compress <codec>', 'codec of each page').choices(['zstd', 'lzo', 'snappy', 'zlib', 'none']))
    .option('-z', 'zstd (default)')
    .option('-l', "lzo, by the system's liblzo2")
    .option('-p', 'snappy')
    .option('-c', 'zlib')
    .option(
      '--level <n>',
      'level of zstd (-7 … 19, default -1) or zlib (1 … 9, default 1); "auto": zstd, harder while OUT is slower than the processors, the default for a server',
      parseLevel,
    )
    .addOption(new Option('-d, --dump-level <n[,n]>', 'what to leave out, 0 … 31').argParser(parseDumpLevels).default([31], '31'))
    .option('-E, --elf', 'write ELF, uncompressed')
    .option('-F, --flatten', 'write the flattened format, for pipes; "kcapture rearrange" turns it back')
    .option('-f, --force', 'replace OUT if it exists')
    .option('--split', 'write one part to each OUT; "kcapture reassemble" joins them')
    .option(
      '--num-threads <n>',
      'compress in this many threads (default: one for each processor, as far as memory goes; for a server 1)',
      parseThreads,
    )
    .option(
      '--memory-limit <size>',
      'for the bitmap of pages: a larger one is made in windows, by scanning twice (default: a quarter of MemAvailable)',
      parseMemoryLimit,
    )
    .option('--credentials <folder>', 'for a server: key or secret (default: those of "kcapture target add URL")')
    .option('--no-mmap', 'read with pread(2) instead of mapping')
    .option('--no-direct', 'write through the page cache')
    .option('--dry-run', 'do everything but write')
    .option('--show-stats', 'print pages by class')
    .option('--json', 'print the result as JSON')
    .option('-q, --quiet', 'no progress')
    .addHelpText('after', help)
    .action((source: string, outputs: string[], flags: Flags) => {
      const request = toRequest(source, outputs, flags);
      const progress = flags.quiet || flags.json ? silentProgress : createProgress(system);
      const result = isForServer(request)
        ? dumpToServer(system, { url: outputs[0], credentials: flags.credentials, request, progress, onNote: noteWith(system) })
        : dump(system, request, progress);
      const print = outputs.includes('-') && !flags.dryRun ? system.printError.bind(system) : system.print.bind(system);
      if (flags.json) print(`${JSON.stringify(result, undefined, 2)}\n`);
      else print((flags.showStats ? formatStatistics(result) : '') + formatSummary(result) + describeTransfer(result));
      if (!result.complete) setExit(3);
    });
}

function isForServer({ outputs, dryRun }: DumpRequest): boolean {
  return !dryRun && outputs.some(looksLikeUrl);
}

function noteWith(system: System): (sentence: string) => void {
  return (sentence) => system.printError(`${system.errorIsTerminal ? '\r\x1b[K' : ''}note       ${printable(sentence)}\n`);
}

function describeTransfer(result: DumpResult | ServerDumpResult): string {
  return 'transfer' in result && result.transfer !== undefined ? formatTransfer(result.transfer) : '';
}

function toRequest(source: string, outputs: string[], flags: Flags): DumpRequest {
  const codec = chooseCodec(flags);
  const toStdout = outputs.includes('-') && !flags.dryRun;
  if (toStdout && !flags.flatten) {
    throw new UsageError('usage/stdout', 'Cannot write this format to standard output: it needs to seek', {
      hint: 'Add -F for the flattened format; "kcapture rearrange" or "makedumpfile -R" turns it back',
    });
  }
  if (outputs.length > 1 && !flags.split)
    throw new UsageError('usage/outputs', `Cannot write to ${outputs.length} outputs without --split`);
  if (outputs.some(looksLikeUrl) && flags.split) throw new UsageError('usage/split', 'Cannot use --split with a place on a server');
  if (new Set(outputs).size < outputs.length) throw new UsageError('usage/outputs', 'Cannot write two parts to one output: name each once');
  if (flags.split && outputs.length < 2) throw new UsageError('usage/outputs', 'Cannot split into one output: name two or more');
  if (flags.split && (flags.flatten || flags.elf)) throw new UsageError('usage/split', 'Cannot use --split with -F or -E');
  if (flags.elf && codec !== undefined && codecIsExplicit(flags))
    throw new UsageError('usage/elf', 'Cannot compress an ELF dump: use -E alone');
  if (flags.level === 'auto' && codec !== 'zstd')
    throw new UsageError('usage/level', 'Cannot use --level auto: only zstd can change its level');
  return {
    source,
    outputs,
    format: flags.elf ? 'elf' : 'kdump',
    flattened: flags.flatten ?? false,
    codec: flags.elf ? undefined : codec,
    codecLevel: flags.level,
    levels: flags.dumpLevel,
    overwrite: flags.force ?? false,
    inPlace: false,
    dryRun: flags.dryRun ?? false,
    mmap: flags.mmap,
    plainWrites: !flags.direct,
    threads: flags.numThreads,
    memoryLimitBytes: flags.memoryLimit,
  };
}

function codecIsExplicit(flags: Flags): boolean {
  return Boolean(flags.z || flags.l || flags.p || flags.c || (flags.compress !== undefined && flags.compress !== 'none'));
}

function chooseCodec(flags: Flags): CodecName | undefined {
  const asked: (CodecName | 'none')[] = [];
  if (flags.compress !== undefined) asked.push(flags.compress);
  if (flags.z) asked.push('zstd');
  if (flags.l) asked.push('lzo');
  if (flags.p) asked.push('snappy');
  if (flags.c) asked.push('zlib');
  if (new Set(asked).size > 1) throw new UsageError('usage/codec', `Cannot compress with ${asked.join(' and ')}: choose one`);
  const codec = asked[0] ?? 'zstd';
  return codec === 'none' ? undefined : codec;
}

function parseLevel(text: string): number | 'auto' {
  if (text === 'auto') return text;
  const level = Number(text);
  if (!/^-?\d+$/.test(text) || level < -7 || level > 19) throw new InvalidArgumentError('Expected a number from -7 to 19, or "auto".');
  return level;
}

function parseThreads(text: string): number {
  const threads = Number(text);
  if (!/^\d+$/.test(text) || threads < 1 || threads > 256) throw new InvalidArgumentError('Expected a number from 1 to 256.');
  return threads;
}

function parseMemoryLimit(text: string): number {
  try {
    return readMemoryLimit(text);
  } catch (error) {
    if (error instanceof KcaptureError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}
