/**
 * What the crashed kernel tells about itself in the VMCOREINFO note. `parse.ts` makes it, `keys.ts` lists every key we read.
 */
import type { VirtAddr } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';

/** Codes: `vmcoreinfo/missing` (a key we cannot do without), `vmcoreinfo/bad-value`. */
export class VmcoreinfoError extends KcaptureError {}

export interface Vmcoreinfo {
  /** The note's text as it stands. */
  readonly text: string;
  /** `OSRELEASE`, `PAGESIZE`, `CRASHTIME`, `KERNELOFFSET`, `CONFIG_…`: the raw text after `=`. */
  plain(key: string): string | undefined;
  /** `SYMBOL(name)`, KASLR already included. */
  symbol(name: string): VirtAddr | undefined;
  /** `SIZE(name)` in bytes. */
  size(name: string): number | undefined;
  /** `OFFSET(struct.member)` in bytes. */
  offset(member: string): number | undefined;
  /** `LENGTH(name)` in elements. */
  length(name: string): number | undefined;
  /** `NUMBER(name)`, signed, decimal or hexadecimal in the text. */
  number(name: string): bigint | undefined;
  /** `NUMBER(name)` that must be an exact JavaScript number. */
  smallNumber(name: string): number | undefined;
}
