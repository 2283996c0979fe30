/** Builds VMCOREINFO texts as the kernel prints them. */

export type VmcoreinfoOptions = {
  /** `OSRELEASE`, `PAGESIZE`, `CRASHTIME`, `CONFIG_…`: printed first, as they stand. */
  readonly plain?: { readonly [key: string]: string | number };
  readonly symbols?: { readonly [name: string]: bigint };
  readonly sizes?: { readonly [name: string]: number };
  readonly offsets?: { readonly [member: string]: number };
  readonly lengths?: { readonly [name: string]: number };
  /** A `bigint` is printed in decimal, a string as it stands (`0xffff…`). */
  readonly numbers?: { readonly [name: string]: number | bigint | string };
};

/** Symbols in hexadecimal without `0x`, everything else in decimal. */
export function buildVmcoreinfo(options: VmcoreinfoOptions): string {
  const lines = (kind: string, table: { readonly [name: string]: unknown } | undefined) =>
    Object.entries(table ?? {}).map(([name, value]) => `${kind}(${name})=${value}\n`);
  const symbols = Object.entries(options.symbols ?? {}).map(([name, value]) => [name, BigInt.asUintN(64, value).toString(16)]);
  return [
    ...Object.entries(options.plain ?? {}).map(([key, value]) => `${key}=${value}\n`),
    ...lines('SYMBOL', Object.fromEntries(symbols)),
    ...lines('SIZE', options.sizes),
    ...lines('OFFSET', options.offsets),
    ...lines('LENGTH', options.lengths),
    ...lines('NUMBER', options.numbers),
  ].join('');
}
