/** `kcapture dmesg`: the kernel's log out of a vmcore or dump. */
import { Command } from 'commander';
import { readDmesg } from '../analyse/log/dmesg.ts';
import { openKernel, requireVirtual } from '../dump/open-kernel.ts';
import { openOutput } from '../dump/output.ts';
import type { System } from '../sys/system.ts';

export function dmesgCommand(system: System): Command {
  return new Command('dmesg')
    .summary("print the crashed kernel's log")
    .description("Reads the kernel's log buffer out of VMCORE: plain (before 3.5), records (3.5 to 5.9) or lockless (5.10 and later).")
    .argument('<VMCORE>', 'a vmcore or a dump')
    .argument('[OUT]', 'a new file; without it, standard output', '-')
    .option('-f, --force', 'replace OUT if it exists')
    .option('--partial', 'only what came after the last "dmesg -c"')
    .option('--no-mmap', 'read with pread(2) instead of mapping')
    .action((source: string, out: string, flags: { force?: true; partial?: true; mmap: boolean }) => {
      writeDmesg(system, {
        source,
        out,
        overwrite: flags.force ?? false,
        partial: flags.partial ?? false,
        mmap: flags.mmap,
        inPlace: false,
      });
    });
}

export type DmesgRequest = {
  source: string;
  out: string;
  overwrite: boolean;
  partial: boolean;
  mmap: boolean;
  inPlace: boolean;
  onKernelFacts?: (text: string) => void;
};

/** Damage in the log buffer is reported on standard error; what can be read is written. */
export function writeDmesg(system: System, request: DmesgRequest): void {
  const kernel = openKernel(system, [request.source], { mmap: request.mmap });
  request.onKernelFacts?.(kernel.info.text);
  try {
    const { text, warnings } = readDmesg(kernel.info, requireVirtual(kernel), { partial: request.partial });
    const output = openOutput(system, request.out, {
      overwrite: request.overwrite,
      inPlace: request.inPlace,
      dryRun: false,
      inputs: [request.source],
    });
    output.sink.write(0, text);
    output.commit();
    for (const warning of warnings) system.printError(`kcapture: ${warning}\n`);
  } finally {
    kernel.memory.close();
  }
}
