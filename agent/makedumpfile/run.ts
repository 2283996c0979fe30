/**
 * kcapture called under the name `makedumpfile`: its command line, its messages, its exit codes (0 done, 1 failed), so that kdump
 * scripts work as they are.
 */
import { dump } from '../dump/dump.ts';
import { measureMemoryUsage } from '../dump/memory-usage.ts';
import { writeDmesg } from '../commands/dmesg.ts';
import { reassembleFiles } from '../commands/reassemble.ts';
import { rearrangeFile } from '../commands/rearrange.ts';
import { translateAddress } from '../commands/vtop.ts';
import { type ExitCode, KcaptureError, UsageError } from '../errors.ts';
import type { System } from '../sys/system.ts';
import { helpText } from './help.ts';
import { createMessages, type Messages, memoryUsageText, reportText } from './messages.ts';
import { type MakedumpfileOptions, parseMakedumpfileOptions } from '../config/makedumpfile-options.ts';

export function runAsMakedumpfile(system: System, version: string, words: readonly string[]): ExitCode {
  let options: MakedumpfileOptions;
  try {
    options = parseMakedumpfileOptions(words);
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    system.print(`${error.message}\nCommandline parameter is invalid.\nTry \`makedumpfile --help' for more information.\n`);
    if (!words.includes('--check-params')) system.print('\nmakedumpfile Failed.\n');
    return 1;
  }
  if (options.mode === 'help') system.print(helpText);
  if (options.mode === 'version') system.print(`makedumpfile: version 1.7.9 (command line of kcapture ${version})\n`);
  if (options.mode === 'help' || options.mode === 'version' || options.checkParams) return 0;

  const messages = createMessages(system, options);
  try {
    const complete = runMode(system, options, messages);
    if (options.mode !== 'mem-usage') messages.common(`\nmakedumpfile ${complete ? 'Completed' : 'Failed'}.\n`);
    return complete ? 0 : 1;
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    messages.error(`${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`);
    if (error instanceof UsageError) messages.common("Try `makedumpfile --help' for more information.\n");
    messages.common('\nmakedumpfile Failed.\n');
    return 1;
  }
}

/** @returns false when the dump is readable but incomplete. */
function runMode(system: System, options: MakedumpfileOptions, messages: Messages): boolean {
  const { files, force, mode } = options;
  const last = files[files.length - 1];
  switch (mode) {
    case 'rearrange':
      rearrangeFile(system, { input: '-', out: last, overwrite: force, inPlace: true });
      messages.common(`\nThe dumpfile is saved to ${last}.\n`);
      return true;
    case 'reassemble':
      reassembleFiles(system, { parts: files.slice(0, -1), out: last, overwrite: force, inPlace: true });
      messages.common(`\nThe dumpfile is saved to ${last}.\n`);
      return true;
    case 'dmesg':
      dumpDmesg(system, options, messages);
      return true;
    case 'mem-usage': {
      const { pages, pageSize } = measureMemoryUsage(system, files[0], messages.progress);
      messages.common(memoryUsageText(pages, pageSize));
      return true;
    }
    default:
      return dumpMemory(system, options, messages);
  }
}

function dumpDmesg(system: System, { files, force, flattened, mmap, partialDmesg }: MakedumpfileOptions, messages: Messages): void {
  const out = flattened ? '-' : files[1];
  writeDmesg(system, {
    source: files[0],
    out,
    overwrite: force,
    partial: partialDmesg,
    mmap,
    inPlace: true,
    onKernelFacts: messages.debug,
  });
  messages.common(`\nThe dmesg log is saved to ${flattened ? 'STDOUT' : out}.\n`);
}

function dumpMemory(system: System, options: MakedumpfileOptions, messages: Messages): boolean {
  const { files, flattened, vtop } = options;
  const outputs = flattened ? ['-'] : files.slice(1);
  if (vtop !== undefined) printTranslation(system, files[0], vtop, messages);
  const result = dump(
    system,
    {
      source: files[0],
      outputs,
      format: options.elf ? 'elf' : 'kdump',
      flattened,
      codec: options.codec,
      codecLevel: undefined,
      levels: options.levels,
      overwrite: options.force,
      inPlace: true,
      dryRun: options.dryRun,
      mmap: options.mmap,
      threads: options.threads || undefined,
    },
    messages.progress,
    messages.debug,
  );
  for (const warning of result.warnings) messages.error(`${warning}\n`);
  messages.report(reportText(result));
  if (result.problem !== undefined) messages.error(`${result.problem}\n`);
  if (result.complete) messages.common(`\n${savedText(outputs, flattened)}\n`);
  return result.complete;
}

function savedText(outputs: readonly string[], flattened: boolean): string {
  if (flattened) return 'The dumpfile is saved to STDOUT.';
  if (outputs.length === 1) return `The dumpfile is saved to ${outputs[0]}.`;
  return `The dumpfiles are saved to ${outputs.slice(0, -1).join(', ')}, and ${outputs[outputs.length - 1]}.`;
}

function printTranslation(system: System, source: string, virtual: bigint, messages: Messages): void {
  const { physical } = translateAddress(system, source, virtual);
  messages.common(`\nTranslating virtual address ${virtual.toString(16)} to physical address.\n`);
  messages.common(`VIRTUAL           PHYSICAL\n${virtual.toString(16).padStart(16)}  ${physical.toString(16)}\n\n`);
}
