/**
 * A C struct as a table of fields: declared once, used by reader and writer alike.
 *
 * Comes in: a table `{ name: [offset, type] }` and the size C gives the struct. Goes out: `read` and `write` over a byte array.
 */
import { KcaptureError } from '../errors.ts';

export type FieldType = 'u8' | 'u16' | 'u32' | 'i32' | 'u64' | 'i64' | { readonly bytes: number };
type FieldTable = { readonly [name: string]: readonly [offset: number, type: FieldType] };
type FieldValue<T> = T extends 'u64' | 'i64' ? bigint : T extends { readonly bytes: number } ? Uint8Array : number;
export type StructValue<T extends FieldTable> = { -readonly [K in keyof T]: FieldValue<T[K][1]> };

export class StructError extends KcaptureError {}

export type Struct<T extends FieldTable> = {
  readonly name: string;
  readonly sizeBytes: number;
  readonly fields: T;
  /**
   * Reads all fields. `bytes` fields are copies.
   * @throws StructError `binary/short` when fewer than `sizeBytes` bytes follow `offset`.
   */
  read(source: Uint8Array, offset?: number, littleEndian?: boolean): StructValue<T>;
  /** A fresh array of `sizeBytes` bytes; fields that are not given are zero. */
  write(values: Partial<StructValue<T>>, littleEndian?: boolean): Uint8Array;
};

/**
 * Declares a struct. Throws at start-up, so a wrong table can never reach a dump, when a field ends beyond `sizeBytes` or
 * overlaps the one before it.
 */
export function defineStruct<const T extends FieldTable>(name: string, sizeBytes: number, fields: T): Struct<T> {
  let end = 0;
  for (const [field, [offset, type]] of Object.entries(fields)) {
    if (offset < end || offset + fieldBytes(type) > sizeBytes) {
      throw new StructError('binary/bad-table', `Cannot lay out ${name}.${field} at ${offset}`);
    }
    end = offset + fieldBytes(type);
  }
  return {
    name,
    sizeBytes,
    fields,
    read(source, offset = 0, littleEndian = true) {
      if (offset < 0 || offset + sizeBytes > source.length) {
        const left = Math.max(0, source.length - offset);
        throw new StructError('binary/short', `Cannot read ${name}: ${left} bytes left, expected ${sizeBytes}`);
      }
      const view = new DataView(source.buffer, source.byteOffset + offset, sizeBytes);
      const result: Record<string, number | bigint | Uint8Array> = {};
      for (const [field, [at, type]] of Object.entries(fields)) result[field] = readField(view, at, type, littleEndian);
      return result as StructValue<T>;
    },
    write(values, littleEndian = true) {
      const bytes = new Uint8Array(sizeBytes);
      const view = new DataView(bytes.buffer);
      for (const [field, [at, type]] of Object.entries(fields)) {
        const value = values[field];
        if (value !== undefined) writeField(view, at, type, value as number | bigint | Uint8Array, littleEndian);
      }
      return bytes;
    },
  };
}

function fieldBytes(type: FieldType): number {
  if (typeof type === 'object') return type.bytes;
  return Number(type.slice(1)) / 8;
}

function readField(view: DataView, at: number, type: FieldType, le: boolean): number | bigint | Uint8Array {
  switch (type) {
    case 'u8':
      return view.getUint8(at);
    case 'u16':
      return view.getUint16(at, le);
    case 'u32':
      return view.getUint32(at, le);
    case 'i32':
      return view.getInt32(at, le);
    case 'u64':
      return view.getBigUint64(at, le);
    case 'i64':
      return view.getBigInt64(at, le);
    default:
      return new Uint8Array(view.buffer, view.byteOffset + at, type.bytes).slice();
  }
}

function writeField(view: DataView, at: number, type: FieldType, value: number | bigint | Uint8Array, le: boolean): void {
  switch (type) {
    case 'u8':
      return view.setUint8(at, value as number);
    case 'u16':
      return view.setUint16(at, value as number, le);
    case 'u32':
      return view.setUint32(at, value as number, le);
    case 'i32':
      return view.setInt32(at, value as number, le);
    case 'u64':
      return view.setBigUint64(at, value as bigint, le);
    case 'i64':
      return view.setBigInt64(at, value as bigint, le);
    default:
      new Uint8Array(view.buffer, view.byteOffset + at, type.bytes).set((value as Uint8Array).subarray(0, type.bytes));
  }
}
