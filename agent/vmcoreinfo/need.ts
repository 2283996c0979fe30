/**
 * VMCOREINFO values that somebody leans on: there, or an error that names the key; within bounds, or an error that names the value.
 */
import type { VirtAddr } from '../binary/units.ts';
import { type Vmcoreinfo, VmcoreinfoError } from './vmcoreinfo.ts';

/** @throws VmcoreinfoError `vmcoreinfo/missing`. */
export function needSymbol(info: Vmcoreinfo, name: string): VirtAddr {
  return info.symbol(name) ?? missing(`SYMBOL(${name})`);
}

/** @throws VmcoreinfoError `vmcoreinfo/missing`. */
export function needNumber(info: Vmcoreinfo, name: string): bigint {
  return info.number(name) ?? missing(`NUMBER(${name})`);
}

/**
 * A NUMBER from `low` to `high`, both included; `undefined` when the kernel did not print it.
 * @throws VmcoreinfoError `vmcoreinfo/bad-value`.
 */
export function numberWithin(info: Vmcoreinfo, name: string, low: number, high: number): number | undefined {
  const value = info.number(name);
  if (value === undefined) return undefined;
  if (value >= BigInt(low) && value <= BigInt(high)) return Number(value);
  throw new VmcoreinfoError('vmcoreinfo/bad-value', `Cannot use NUMBER(${name})=${value}: expected ${low} to ${high}`);
}

function missing(key: string): never {
  throw new VmcoreinfoError('vmcoreinfo/missing', `Cannot find ${key} in VMCOREINFO: no such line`, {
    hint: 'Dump without filtering: -d 0 or -d 1',
  });
}
