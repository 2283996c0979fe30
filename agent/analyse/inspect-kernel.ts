/** What the memory in a dump says about the kernel that lived in it: its names, when and why it died. */
import { decodeUtsname, readUtsname, type Utsname } from '../address/utsname.ts';
import { openTranslator } from '../address/open-translator.ts';
import { VirtualMemory } from '../address/virtual-memory.ts';
import { KcaptureError } from '../errors.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import type { Findings, KernelFacts } from './inspection.ts';
import { readDmesg } from './log/dmesg.ts';
import { findPanic, type Panic } from './panic.ts';

/** What a dump's header says; empty texts and 0 are "not told". */
export type HeaderFacts = { readonly utsname?: Partial<Utsname>; readonly crashTime?: number };

/** Reads as much as can be read; what cannot becomes a warning. */
export function inspectKernel(memory: PhysicalMemory, header: HeaderFacts, findings: Findings): { kernel: KernelFacts; panic?: Panic } {
  const info = parseVmcoreinfo(memory.vmcoreinfoText);
  if (memory.vmcoreinfoText === '') {
    findings.warnings.push('there is no VMCOREINFO: the log cannot be found');
    return { kernel: kernelFacts(info, header) };
  }
  const virtual = attempt(findings, "the kernel's memory", () => new VirtualMemory(memory, openTranslator(memory, info)));
  if (virtual === undefined) return { kernel: kernelFacts(info, header) };
  const names = header.utsname?.release
    ? header.utsname
    : attempt(findings, "the kernel's names", () => decodeUtsname(readUtsname(info, virtual)));
  const panic = attempt(findings, 'the kernel log', () => {
    const { text, warnings } = readDmesg(info, virtual);
    findings.warnings.push(...warnings.map((warning) => `kernel log: ${warning}`));
    return findPanic(text);
  });
  return { kernel: kernelFacts(info, { ...header, utsname: names }), panic };
}

/** From VMCOREINFO, else from the header. */
export function kernelFacts(info: Vmcoreinfo, { utsname, crashTime }: HeaderFacts): KernelFacts {
  return {
    release: info.plain('OSRELEASE') || utsname?.release || undefined,
    version: utsname?.version || undefined,
    nodename: utsname?.nodename || undefined,
    crashTime: isoTime(Number(info.plain('CRASHTIME') ?? crashTime ?? 0)),
  };
}

/** The last second that a date of four digits for the year can show. */
const lastSecond = 253_402_300_799;

function isoTime(seconds: number): string | undefined {
  if (!(seconds > 0 && seconds <= lastSecond)) return undefined;
  return new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

/** The result, or `undefined` and a warning. */
function attempt<T>(findings: Findings, what: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof KcaptureError)) throw error;
    findings.warnings.push(`${what} cannot be read: ${error.message}`);
    return undefined;
  }
}
