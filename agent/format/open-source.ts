/**
 * Any file a dump can be made from: an ELF vmcore, a kdump-compressed dump, a flattened stream of either, the parts of a split set.
 */
import type { CodecName, PageCodec } from '../compress/codec.ts';
import type { MemoryFile } from '../vmcore/memory-file.ts';
import { openElfMemory } from '../vmcore/open-elf.ts';
import type { PhysicalMemory } from '../vmcore/physical-memory.ts';
import { FormatError } from './dump-writer.ts';
import { openFlattened } from './flattened/open-flattened.ts';
import { identify } from './identify.ts';
import { type KdumpSource, openKdumpMemory } from './kdump/reader.ts';

export type OpenSourceOptions = {
  /** True: read a dump or stream that was cut off as far as it goes. Default: `format/incomplete`. */
  readonly salvage?: boolean;
};

/**
 * Takes the files over: they are closed with the memory, or before this throws.
 *
 * @param files one, or parts of a split set, flattened or not.
 * @throws FormatError `format/not-a-dump` with what was found; VmcoreError, FormatError as the readers do.
 */
export function openSource(
  files: readonly MemoryFile[],
  openCodec: (name: CodecName) => PageCodec,
  options: OpenSourceOptions = {},
): PhysicalMemory {
  try {
    return open(files, openCodec, options);
  } catch (error) {
    for (const file of files) file.close();
    throw error;
  }
}

/** The dump behind the interface, when the memory comes from one: for what only its headers say. */
export function asKdump(memory: PhysicalMemory): KdumpSource | undefined {
  return 'countStored' in memory ? (memory as KdumpSource) : undefined;
}

function open(files: readonly MemoryFile[], openCodec: (name: CodecName) => PageCodec, options: OpenSourceOptions): PhysicalMemory {
  const kinds = files.map((file) => requireDump(file));
  const dumps = files.map((file, index) => (kinds[index] === 'flattened' ? openFlattened(file, options) : file));
  const inner = dumps.map((dump, index) => (kinds[index] === 'flattened' ? requireDump(dump) : kinds[index]));
  if (files.length === 1 && inner[0] === 'elf') return openElfMemory(dumps[0]);
  const other = inner.findIndex((kind) => kind !== 'kdump');
  if (other >= 0 || files.length === 0) {
    const found = other < 0 ? 'no file' : `"${files[other].path}" is not kdump-compressed`;
    throw new FormatError('format/unsupported', `Cannot read ${files.length} files as one dump: ${found}, expected parts of a split one`);
  }
  return openKdumpMemory(dumps, openCodec, { kind: kinds.includes('flattened') ? 'flattened' : 'kdump', salvage: options.salvage });
}

function requireDump(file: MemoryFile): 'elf' | 'kdump' | 'flattened' {
  const identity = identify(file);
  if (identity.kind !== 'other') return identity.kind;
  throw new FormatError(
    'format/not-a-dump',
    `Cannot read "${file.path}": found ${identity.what}, expected an ELF vmcore, a kdump-compressed or a flattened dump`,
    {
      where: file.path,
      hint: identity.hint,
    },
  );
}
