/**
 * Pages out of kdump-compressed files, expanded: from a page frame number to its bytes, whichever part of a split set and whichever codec
 * it needs.
 */
import { hex, type Pfn } from '../../binary/units.ts';
import { type CodecName, codecFlags, type PageCodec } from '../../compress/codec.ts';
import type { FileWindow } from '../../vmcore/memory-file.ts';
import { FormatError } from '../dump-writer.ts';
import type { Descriptors } from './descriptors.ts';
import { PageCache } from './page-cache.ts';

const windowBytes = 1024 * 1024;
const cachedPages = 256;

/** What the descriptors of a dump say, by how the page is stored. */
export type StoredCounts = Record<CodecName | 'raw' | 'sharedZero' | 'lost', number>;

/** The order in which readers look at the bits, should more than one be set. */
const codecOrder = ['zlib', 'lzo', 'snappy', 'zstd'] as const;

type Part = {
  readonly descriptors: Descriptors;
  /** For pages that are read in order: a view that moves forward. */
  window: FileWindow | undefined;
  /** Where in the file the block after the one read last begins. */
  position: number;
  /** What stands at the start of the data; all zero pages refer to it, so it is kept. */
  firstPage: Uint8Array | undefined;
};

export class PageStore {
  readonly #parts: readonly Part[];
  readonly #pageBytes: number;
  readonly #openCodec: (name: CodecName) => PageCodec;
  readonly #codecs = new Map<CodecName, PageCodec>();
  readonly #block: Uint8Array;
  readonly #cache: PageCache;
  #part: Part;

  /** @param parts at least one; ascending and disjoint. */
  constructor(parts: readonly Descriptors[], openCodec: (name: CodecName) => PageCodec) {
    this.#pageBytes = parts[0].header.blockBytes;
    this.#parts = parts.map((descriptors) => ({
      descriptors,
      window: undefined,
      position: 0,
      firstPage: undefined,
    }));
    this.#part = this.#parts[0];
    this.#openCodec = openCodec;
    this.#block = new Uint8Array(this.#pageBytes);
    this.#cache = new PageCache(this.#pageBytes, cachedPages);
  }

  /**
   * Expands the page into `target`. Blocks that follow one another in the file go past the cache.
   * @param pfn in the 2nd bitmap, and in the range of a part.
   * @throws FormatError `format/incomplete` for a page that was lost, `format/corrupt`; CompressError.
   */
  fetch(pfn: Pfn, target: Uint8Array, targetStart: number): void {
    const part = this.#find(pfn);
    const { offset, size } = part.descriptors;
    if (offset < part.position || offset >= part.position + windowBytes) {
      target.set(this.lookUp(pfn), targetStart);
      return;
    }
    part.window ??= part.descriptors.file.openWindow(windowBytes);
    const at = part.window.locate(offset, size);
    this.#expand(pfn, part.window.bytes, at, target, targetStart);
    part.position = offset + size;
  }

  /** The page for callers who jump about. It belongs to the store, and is good until the next call. Throws as `fetch` does. */
  lookUp(pfn: Pfn): Uint8Array {
    const cached = this.#cache.get(pfn);
    if (cached !== undefined) return cached;
    const part = this.#find(pfn);
    const { file, offset, size, flags, dataOffset } = part.descriptors;
    if (flags === 0 && offset === dataOffset) return this.#readFirstPage(part);
    const page = this.#cache.take();
    file.read(offset, this.#block.subarray(0, size));
    this.#expand(pfn, this.#block, 0, page, 0);
    this.#cache.put(pfn, page);
    part.position = offset + size;
    return page;
  }

  /** True when the page's data is in the file. Like the others, only for pages of the 2nd bitmap. */
  isStored(pfn: Pfn): boolean {
    const { descriptors } = this.#partOf(pfn);
    descriptors.readFor(pfn);
    return descriptors.offset !== 0;
  }

  /** Reads every descriptor. */
  countStored(): StoredCounts {
    const counts: StoredCounts = { raw: 0, zlib: 0, lzo: 0, snappy: 0, zstd: 0, sharedZero: 0, lost: 0 };
    for (const { descriptors } of this.#parts) {
      for (let number = 0; number < descriptors.count; number++) {
        descriptors.readAt(number);
        if (descriptors.offset === 0) counts.lost++;
        else if (descriptors.flags !== 0) counts[codecOf(descriptors.flags)]++;
        else if ((descriptors.header.dumpLevel & 1) !== 0 && descriptors.offset === descriptors.dataOffset) counts.sharedZero++;
        else counts.raw++;
      }
    }
    return counts;
  }

  close(): void {
    for (const { descriptors, window } of this.#parts) {
      window?.close();
      descriptors.close();
      descriptors.file.close();
    }
    for (const codec of this.#codecs.values()) codec.close();
    this.#codecs.clear();
  }

  /** The part that has the page, its descriptor read. */
  #find(pfn: Pfn): Part {
    const part = this.#partOf(pfn);
    const { descriptors } = part;
    descriptors.readFor(pfn);
    if (descriptors.offset === 0) {
      const where = `page frame ${hex(pfn)} of "${descriptors.file.path}"`;
      throw new FormatError('format/incomplete', `Cannot read ${where}: its data never reached the file`, { where });
    }
    return part;
  }

  #partOf(pfn: Pfn): Part {
    if (pfn < this.#part.descriptors.startPfn || pfn >= this.#part.descriptors.endPfn) {
      const part = this.#parts.find(({ descriptors }) => pfn >= descriptors.startPfn && pfn < descriptors.endPfn);
      if (part === undefined)
        throw new FormatError('format/incomplete', `Cannot read page frame ${hex(pfn)}: the part that holds it is missing`);
      this.#part = part;
    }
    return this.#part;
  }

  #readFirstPage(part: Part): Uint8Array {
    if (part.firstPage === undefined) {
      const page = new Uint8Array(this.#pageBytes);
      part.descriptors.file.read(part.descriptors.dataOffset, page);
      part.firstPage = page;
    }
    return part.firstPage;
  }

  /** Expands the block that the current descriptor describes. */
  #expand(pfn: Pfn, source: Uint8Array, start: number, target: Uint8Array, targetStart: number): void {
    const { size, flags, file } = this.#part.descriptors;
    if (flags === 0) {
      target.set(source.subarray(start, start + size), targetStart);
      return;
    }
    const codec = this.#codec(codecOf(flags));
    try {
      codec.decompress(source, start, size, target, targetStart, this.#pageBytes);
    } catch (cause) {
      const where = `page frame ${hex(pfn)} of "${file.path}"`;
      throw new FormatError(
        'format/corrupt',
        `Cannot expand ${where}: ${size} bytes of ${codec.name}, expected them to give ${this.#pageBytes}`,
        { where, cause },
      );
    }
  }

  #codec(name: CodecName): PageCodec {
    let codec = this.#codecs.get(name);
    if (codec === undefined) {
      codec = this.#openCodec(name);
      this.#codecs.set(name, codec);
    }
    return codec;
  }
}

function codecOf(flags: number): CodecName {
  return codecOrder.find((name) => (flags & codecFlags[name]) !== 0)!;
}
