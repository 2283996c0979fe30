/**
 * The headers of a kdump-compressed dump of which nothing behind them can be used: it is cut off before its bitmaps end, or they are where they
 * cannot be.
 */
import { decodeText } from '../binary/text.ts';
import { KcaptureError } from '../errors.ts';
import { diskDumpHeader, kdumpSubHeader, utsnameFieldBytes, utsnameFields } from '../format/kdump/layout.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { parseVmcoreinfo } from '../vmcoreinfo/parse.ts';
import type { KdumpFacts } from './inspect-kdump.ts';
import { kernelFacts } from './inspect-kernel.ts';
import type { Findings } from './inspection.ts';

/** The kernel writes a page of it. */
const maxVmcoreinfoBytes = 1024 * 1024;

/** @throws StructError, VmcoreError when the file is shorter than the first header. */
export function inspectKdumpHead(file: MemoryFile, findings: Findings): KdumpFacts {
  const bytes = new Uint8Array(diskDumpHeader.sizeBytes);
  file.read(0, bytes);
  const header = diskDumpHeader.read(bytes);
  const texts = utsnameFields.map((name, index) => {
    const start = index * utsnameFieldBytes;
    return [name, decodeText(header.utsname.subarray(start, start + utsnameFieldBytes))] as const;
  });
  const utsname = Object.fromEntries(texts);
  findings.warnings.push('only the headers can be read');
  return {
    description: `kdump-compressed dump, version ${header.header_version}`,
    machine: utsname.machine || undefined,
    pageSize: header.block_size,
    cpus: header.nr_cpus,
    kernel: kernelFacts(parseVmcoreinfo(readVmcoreinfo(file, header.block_size)), { utsname, crashTime: Number(header.tv_sec) }),
    ...readLevel(file, header.block_size),
  };
}

function readSubHeader(file: MemoryFile, blockBytes: number): ReturnType<typeof kdumpSubHeader.read> | undefined {
  try {
    const bytes = new Uint8Array(kdumpSubHeader.sizeBytes);
    file.read(blockBytes, bytes);
    return kdumpSubHeader.read(bytes);
  } catch (error) {
    if (error instanceof KcaptureError) return undefined;
    throw error;
  }
}

function readLevel(file: MemoryFile, blockBytes: number): { dumpLevel?: number } {
  const level = readSubHeader(file, blockBytes)?.dump_level;
  return level === undefined || level < 0 || level > 31 ? {} : { dumpLevel: level };
}

/** Empty when the sub header does not lead to it. */
function readVmcoreinfo(file: MemoryFile, blockBytes: number): string {
  const sub = readSubHeader(file, blockBytes);
  if (sub === undefined || sub.size_vmcoreinfo > BigInt(maxVmcoreinfoBytes)) return '';
  if (sub.offset_vmcoreinfo + sub.size_vmcoreinfo > BigInt(file.sizeBytes)) return '';
  const bytes = new Uint8Array(Number(sub.size_vmcoreinfo));
  file.read(Number(sub.offset_vmcoreinfo), bytes);
  return decodeText(bytes);
}
