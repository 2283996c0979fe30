/**
 * `struct new_utsname` of the crashed kernel: six texts of 65 bytes, as `uname -a` prints them and dump headers keep them.
 */
import { decodeText } from '../binary/text.ts';
import type { VirtAddr } from '../binary/units.ts';
import type { Vmcoreinfo } from '../vmcoreinfo/vmcoreinfo.ts';
import { needSymbol } from '../vmcoreinfo/need.ts';

const FIELD_BYTES = 65;
const FIELDS = ['sysname', 'nodename', 'release', 'version', 'machine', 'domainname'] as const;
export const UTSNAME_BYTES = FIELD_BYTES * FIELDS.length;
/** `uts_namespace.name` behind a reference count of 4 bytes, on kernels that do not print the offset. */
const NAME_OFFSET = 4;

export type Utsname = { readonly [field in (typeof FIELDS)[number]]: string };

/** Only what this needs of `VirtualMemory`. */
type Readable = { read(address: VirtAddr, target: Uint8Array): void };

/**
 * The 390 bytes as they stand in memory.
 * @throws VmcoreinfoError `vmcoreinfo/missing`; what reading virtual memory throws.
 */
export function readUtsname(info: Vmcoreinfo, virtual: Readable): Uint8Array {
  const bytes = new Uint8Array(UTSNAME_BYTES);
  const namespace = info.symbol('init_uts_ns');
  const start =
    namespace === undefined ? needSymbol(info, 'system_utsname') : namespace + BigInt(info.offset('uts_namespace.name') ?? NAME_OFFSET);
  virtual.read(start, bytes);
  return bytes;
}

/** @param bytes what `readUtsname` gives; a shorter array has empty texts at its end. */
export function decodeUtsname(bytes: Uint8Array): Utsname {
  const texts = FIELDS.map((field, index) => [field, decodeText(bytes.subarray(index * FIELD_BYTES, (index + 1) * FIELD_BYTES))]);
  return Object.fromEntries(texts) as Utsname;
}
