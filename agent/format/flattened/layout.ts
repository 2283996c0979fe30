/**
 * The flattened format: any dump file as a stream of records, for pipes that cannot seek.
 *
 * ```
 *  0      header, 4096 bytes: "makedumpfile" NUL-padded to 16, type = 1, version = 1, rest zero
 *  4096   record: offset, size, then `size` bytes that belong at `offset` of the dump file
 *  …
 *  end    record with offset = size = -1 and no bytes
 * ```
 * Header and record numbers are 64 bits big-endian; what the records hold keeps the dump's own byte order. Bytes in no record are zero.
 *
 * @source makedumpfile makedumpfile.h (struct makedumpfile_header, struct makedumpfile_data_header)
 */
import { defineStruct } from '../../binary/struct.ts';

export const flattenedHeaderBytes = 4096;
export const flattenedSignature = 'makedumpfile';

export const flattenedHeader = defineStruct('makedumpfile_header', 32, {
  signature: [0, { bytes: 16 }],
  type: [16, 'i64'],
  version: [24, 'i64'],
});

export const flattenedRecord = defineStruct('makedumpfile_data_header', 16, {
  offset: [0, 'i64'],
  buf_size: [8, 'i64'],
});

export const flattenedType = 1n;
export const flattenedVersion = 1n;
export const endMark = -1n;
