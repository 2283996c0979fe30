/**
 * Which bytes of the dump stand where in a flattened file.
 *
 * Comes in: a flattened file. Goes out: disjoint segments in ascending order. Where records overlap, the later one holds.
 */
import { decodeText } from '../../binary/text.ts';
import { hex } from '../../binary/units.ts';
import type { MemoryFile } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import {
  endMark,
  flattenedHeader,
  flattenedHeaderBytes,
  flattenedRecord,
  flattenedSignature,
  flattenedType,
  flattenedVersion,
} from './layout.ts';

/** Dump bytes `starts[i] … ends[i]` stand in the flattened file from `places[i]` on. */
export type FlattenedSegments = {
  readonly count: number;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  readonly places: Float64Array;
  /** False: the stream was cut off. */
  readonly complete: boolean;
};

/**
 * Checks the 4096-byte header.
 * @throws FormatError `format/not-a-dump`, `format/unsupported`.
 */
export function checkFlattenedHeader(bytes: Uint8Array, path: string): void {
  const { signature, type, version } = flattenedHeader.read(bytes, 0, false);
  if (decodeText(signature) !== flattenedSignature) {
    throw new FormatError(
      'format/not-a-dump',
      `Cannot read "${path}": signature "${decodeText(signature)}", expected "${flattenedSignature}"`,
    );
  }
  if (type !== flattenedType || version !== flattenedVersion) {
    throw new FormatError('format/unsupported', `Cannot read "${path}": flattened type ${type} version ${version}, expected 1 and 1`);
  }
}

/**
 * Checks where a record belongs.
 * @returns true for the end mark.
 * @throws FormatError `format/corrupt`
 */
export function checkRecord(offset: bigint, size: bigint, path: string, at: number): boolean {
  if (offset === endMark && size === endMark) return true;
  if (offset < 0n || size <= 0n || offset + size > BigInt(Number.MAX_SAFE_INTEGER)) {
    const where = `"${path}" at ${hex(at)}`;
    throw new FormatError(
      'format/corrupt',
      `Cannot read a flattened record of ${where}: ${size} bytes for ${hex(offset)}, expected a place below 2^53 or the end mark`,
      { where },
    );
  }
  return false;
}

/**
 * Walks all records. A file that is cut off gives what it has; the caller decides what `complete` means to him.
 * @throws FormatError `format/not-a-dump`, `format/unsupported`, `format/corrupt`, `format/incomplete` when not even the header is whole.
 */
export function readFlattenedSegments(file: MemoryFile): FlattenedSegments {
  if (file.sizeBytes < flattenedHeaderBytes) {
    throw new FormatError(
      'format/incomplete',
      `Cannot read "${file.path}": ${file.sizeBytes} bytes, expected a flattened header of ${flattenedHeaderBytes}`,
    );
  }
  const header = new Uint8Array(flattenedHeaderBytes);
  file.read(0, header);
  checkFlattenedHeader(header, file.path);
  const records = new SegmentList();
  const complete = walkRecords(file, records);
  return { ...resolveOverlaps(records), complete };
}

/** @returns whether the end mark was found. */
function walkRecords(file: MemoryFile, records: SegmentList): boolean {
  const header = new Uint8Array(flattenedRecord.sizeBytes);
  const view = new DataView(header.buffer);
  for (let at = flattenedHeaderBytes; at + header.length <= file.sizeBytes; ) {
    file.read(at, header);
    const offset = view.getBigInt64(flattenedRecord.fields.offset[0]);
    const size = view.getBigInt64(flattenedRecord.fields.buf_size[0]);
    if (checkRecord(offset, size, file.path, at)) return true;
    at += header.length;
    const held = Math.min(Number(size), file.sizeBytes - at);
    if (held > 0) records.add(Number(offset), Number(offset) + held, at);
    at += Number(size);
  }
  return false;
}

/** Segments in arrays that grow: a long dump has millions of records. */
class SegmentList {
  count = 0;
  starts = new Float64Array(256);
  ends = new Float64Array(256);
  places = new Float64Array(256);

  add(start: number, end: number, place: number): void {
    if (this.count === this.starts.length) this.#grow();
    this.starts[this.count] = start;
    this.ends[this.count] = end;
    this.places[this.count] = place;
    this.count++;
  }

  #grow(): void {
    for (const name of ['starts', 'ends', 'places'] as const) {
      const larger = new Float64Array(this.count * 2);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/** Sorts records by where they belong, and cuts from each what a later record overwrites. */
function resolveOverlaps(records: SegmentList): SegmentList {
  const order = Uint32Array.from({ length: records.count }, (_, index) => index);
  order.sort((a, b) => records.starts[a] - records.starts[b] || a - b);
  const result = new SegmentList();
  /** Records that reach beyond `at`, as a heap with the latest on top; those that ended are dropped when they come up. */
  const open = new LatestFirst();
  let at = 0;
  for (let next = 0; next < order.length || open.size > 0; ) {
    while (open.size > 0 && records.ends[open.top] <= at) open.pop();
    if (open.size === 0) {
      if (next === order.length) break;
      at = records.starts[order[next]];
    }
    while (next < order.length && records.starts[order[next]] <= at) open.push(order[next++]);
    const record = open.top;
    const end = next < order.length ? Math.min(records.ends[record], records.starts[order[next]]) : records.ends[record];
    append(result, at, end, records.places[record] + (at - records.starts[record]));
    at = end;
  }
  return result;
}

/** Adds a segment, or lengthens the last one when it goes on in both files. */
function append(list: SegmentList, start: number, end: number, place: number): void {
  const last = list.count - 1;
  if (start === end) return;
  if (last >= 0 && list.ends[last] === start && list.places[last] + (start - list.starts[last]) === place) list.ends[last] = end;
  else list.add(start, end, place);
}

/** A binary heap of record numbers, the largest on top. */
class LatestFirst {
  readonly #items: number[] = [];

  get size(): number {
    return this.#items.length;
  }

  get top(): number {
    return this.#items[0];
  }

  push(item: number): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    for (let parent = (at - 1) >> 1; at > 0 && items[parent] < item; parent = (at - 1) >> 1) {
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const items = this.#items;
    const item = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (let child = 1; child < items.length; child = 2 * at + 1) {
      if (child + 1 < items.length && items[child + 1] > items[child]) child++;
      if (items[child] <= item) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = item;
  }
}
