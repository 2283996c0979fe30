/**
 * The kernel log of a dump, whichever of the three kinds of buffer the kernel kept it in.
 *
 * Comes in: VMCOREINFO and the kernel's virtual memory. Goes out: the text of `makedumpfile --dump-dmesg`, and what is missing from it.
 */
import type { Vmcoreinfo } from '../../vmcoreinfo/vmcoreinfo.ts';
import type { KernelMemory } from './kernel-memory.ts';
import { readLocklessLog } from './lockless.ts';
import type { LogSource } from './log-source.ts';
import { LogText } from './log-text.ts';
import { readPlainLog } from './plain.ts';
import { readRecordLog } from './record.ts';

export type DmesgOptions = {
  /** Only what came after the last `dmesg --clear`. */
  readonly partial?: boolean;
  /**
   * The column `[    T123]` or `[      C0]`, if the kernel exports it. Default true, as in makedumpfile since 1.7.5; earlier ones did not
   * know it.
   */
  readonly callers?: boolean;
  /** The longest text to keep, in bytes; the oldest goes first. Default 256 MiB. */
  readonly maxBytes?: number;
};

export type Dmesg = {
  /** Mostly ASCII; each line ends with a line feed. */
  readonly text: Uint8Array;
  /** What could not be read, one sentence each. Empty for a sound log. */
  readonly warnings: readonly string[];
};

const defaultMaxBytes = 256 * 1024 * 1024;
const maxWarnings = 20;

/**
 * Reads the log; a damaged one as far as it can be read, with warnings.
 *
 * @throws AnalyseError `analyse/no-log` when VMCOREINFO does not lead to a log, `analyse/damaged` when nothing sensible is where it leads.
 * @throws KcaptureError what the memory throws when not even the log's own variables can be read.
 */
export function readDmesg(info: Vmcoreinfo, virtual: KernelMemory, options: DmesgOptions = {}): Dmesg {
  const out = new LogText(options.maxBytes ?? defaultMaxBytes);
  const warnings: string[] = [];
  const warn = (message: string) => {
    if (warnings.length < maxWarnings) warnings.push(message);
  };
  const { partial = false, callers = true } = options;
  readerFor(info)({ info, memory: virtual, partial, callers, signedChars: hasSignedChars(info), out, warn });
  if (out.droppedBytes > 0) warnings.push(`the first ${out.droppedBytes} bytes of the text were left out: the log is too long`);
  return { text: out.toBytes(), warnings };
}

function readerFor(info: Vmcoreinfo): (source: LogSource) => void {
  if (info.symbol('prb') !== undefined) return readLocklessLog;
  if (info.symbol('log_end') !== undefined) return readPlainLog;
  return readRecordLog;
}

/** arm64 compilers make `char` unsigned, x86 ones signed. Only arm64 kernels export any of these. */
function hasSignedChars(info: Vmcoreinfo): boolean {
  return info.number('kimage_voffset') === undefined && info.number('PHYS_OFFSET') === undefined && info.number('VA_BITS') === undefined;
}
