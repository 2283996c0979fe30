/**
 * The VMCOREINFO text as a table.
 *
 * Comes in: lines `KEY=VALUE`, where a key is a plain word or `KIND(name)`. Goes out: values of the right type. The first line with a key
 * wins; a line whose value is not of its kind is skipped, as if the kernel had not printed it.
 *
 * @source include/linux/vmcore_info.h: SYMBOL is hexadecimal without `0x`; SIZE, OFFSET, LENGTH are decimal; NUMBER is decimal, negative
 *   too, or hexadecimal with `0x`.
 */
import type { VirtAddr } from '../binary/units.ts';
import { type Vmcoreinfo, VmcoreinfoError } from './vmcoreinfo.ts';

/** No struct is larger and no array is longer; a value beyond it is damage. */
const MAX_COUNT = 2 ** 31;
const linePattern = /^([A-Z_0-9a-z.-]+)(?:\(([^()=\s]+)\))?=(.*)$/;
const kinds: { readonly [kind: string]: RegExp } = {
  SYMBOL: /^(0x)?[0-9a-f]{1,16}$/i,
  SIZE: /^\d{1,10}$/,
  OFFSET: /^\d{1,10}$/,
  LENGTH: /^\d{1,10}$/,
  NUMBER: /^(-?\d{1,20}|0x[0-9a-f]{1,16})$/i,
};

/** Never throws: a text without a single good line gives a table without a single key. */
export function parseVmcoreinfo(text: string): Vmcoreinfo {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = linePattern.exec(line.replace(/\r$/, ''));
    if (match === null) continue;
    const [, word, name, value] = match;
    const key = name === undefined ? word : `${word}(${name})`;
    if (!values.has(key) && (name === undefined || kinds[word]?.test(value))) values.set(key, value);
  }
  return new ParsedVmcoreinfo(text, values);
}

class ParsedVmcoreinfo implements Vmcoreinfo {
  readonly text: string;
  readonly #values: ReadonlyMap<string, string>;

  constructor(text: string, values: ReadonlyMap<string, string>) {
    this.text = text;
    this.#values = values;
  }

  plain(key: string): string | undefined {
    return this.#values.get(key);
  }

  symbol(name: string): VirtAddr | undefined {
    const value = this.#values.get(`SYMBOL(${name})`);
    return value === undefined ? undefined : BigInt(`0x${value.replace(/^0x/i, '')}`);
  }

  size(name: string): number | undefined {
    return this.#count(`SIZE(${name})`);
  }

  offset(member: string): number | undefined {
    return this.#count(`OFFSET(${member})`);
  }

  length(name: string): number | undefined {
    return this.#count(`LENGTH(${name})`);
  }

  number(name: string): bigint | undefined {
    const value = this.#values.get(`NUMBER(${name})`);
    if (value === undefined) return undefined;
    return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
  }

  smallNumber(name: string): number | undefined {
    const value = this.number(name);
    if (value === undefined) return undefined;
    if (!Number.isSafeInteger(Number(value))) {
      throw new VmcoreinfoError('vmcoreinfo/bad-value', `Cannot use NUMBER(${name})=${value}: expected less than 2^53`);
    }
    return Number(value);
  }

  #count(key: string): number | undefined {
    const value = Number(this.#values.get(key));
    return value <= MAX_COUNT ? value : undefined;
  }
}
