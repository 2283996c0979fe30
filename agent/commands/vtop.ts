/** `kcapture vtop`: one kernel virtual address to its physical one, by the crashed kernel's page tables. */
import { Command } from 'commander';
import { hex } from '../binary/units.ts';
import { openKernel, requireVirtual } from '../dump/open-kernel.ts';
import { UsageError } from '../errors.ts';
import { AddressError } from '../address/translator.ts';
import type { System } from '../sys/system.ts';

export function vtopCommand(system: System): Command {
  return new Command('vtop')
    .summary('translate a kernel virtual address')
    .description("Walks the crashed kernel's page tables from ADDR to the physical address behind it.")
    .argument('<ADDR>', 'a kernel virtual address, hexadecimal, with or without 0x')
    .argument('<VMCORE>', 'a vmcore or a dump')
    .option('--json', 'print the result as JSON')
    .action((addressText: string, source: string, flags: { json?: true }) => {
      const result = translateAddress(system, source, parseAddress(addressText));
      if (flags.json) {
        system.print(`${JSON.stringify({ virtual: hex(result.virtual), physical: hex(result.physical), inDump: result.inDump })}\n`);
        return;
      }
      system.print(
        `virtual   ${hex(result.virtual)}\nphysical  ${hex(result.physical)}${result.inDump ? '' : '  (page is not in this file)'}\n`,
      );
    });
}

export type TranslatedAddress = { virtual: bigint; physical: number; inDump: boolean };

/** @throws AddressError `address/not-mapped` */
export function translateAddress(system: System, source: string, virtual: bigint): TranslatedAddress {
  const kernel = openKernel(system, [source]);
  try {
    const translation = requireVirtual(kernel).translate(virtual);
    if (translation === undefined) {
      throw new AddressError('address/not-mapped', `Cannot translate ${hex(virtual)}: no page table entry maps it`);
    }
    return { virtual, physical: translation.physical, inDump: kernel.memory.contiguousBytes(translation.physical) > 0 };
  } finally {
    kernel.memory.close();
  }
}

/** @throws UsageError `usage/address` */
export function parseAddress(text: string): bigint {
  if (!/^(0x)?[0-9a-f]{1,16}$/i.test(text)) {
    throw new UsageError('usage/address', `Cannot read the address "${text}": expected up to 16 hexadecimal digits`);
  }
  return BigInt(text.startsWith('0x') || text.startsWith('0X') ? text : `0x${text}`);
}
