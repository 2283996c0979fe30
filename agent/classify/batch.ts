/**
 * The host side of the hot loop: rules and struct pages go into its memory, bits of the bitmap come out.
 *
 * A page that heads a block (compound page, free block) decides for all of the block, and the scan goes on behind it. A block may reach
 * over the end of a batch, of a mapping, of a window.
 */
import type { Pfn } from '../binary/units.ts';
import { Bitmap } from '../bitmap/bitmap.ts';
import type { PageLayout } from '../memory-model/page-layout.ts';
import { compiledBatch } from './assembly/compiled-batch.ts';
import { compoundRules } from './compound.ts';
import { PageKind } from './page-kind.ts';
import type { PageRules } from './rules.ts';

/** Bytes of struct pages that a batch has at most: few enough to stay in the processor's cache from the read to the decision. */
export const batchBytes = 256 * 1024;

const kinds = Object.values(PageKind);
const wasmPageBytes = 64 * 1024;
/** Where in the loop's memory what lies: counters, bits, struct pages. */
const countersAt = 0;
const bitsAt = 64;
const structPagesAt = wasmPageBytes;
/** The smallest SIZE(page) is 32: so many bits, and those of the byte in which they start. */
const bitsBytes = batchBytes / 32 / 8 + 1;
/** A record is read a little beyond its end at most. */
const slackBytes = 64;

type Loop = {
  classifyBatch(structPages: number, pages: number, readable: number, pfn: number, bits: number, firstBit: number): number;
} & { readonly [name: string]: WebAssembly.Global };

export class BatchClassifier {
  /** Pages dropped, by kind. */
  readonly dropped = new Float64Array(kinds.length);
  /** End of the block dropped last that reached over the end of a batch. The struct pages before it need not be looked at. */
  blockEnd: Pfn = 0;
  /** Where struct pages may be put so that they need not be copied. */
  readonly structPages: Uint8Array;
  readonly #sizeBytes: number;
  readonly #loop: Loop;
  readonly #counters: Uint32Array;
  readonly #bits: Uint8Array;
  #blockKind: PageKind = PageKind.kept;
  #kept = new Bitmap(0);
  #base: Pfn = 0;

  constructor(layout: PageLayout, rules: PageRules) {
    this.#sizeBytes = layout.sizeBytes;
    const bytes = structPagesAt + batchBytes + slackBytes;
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / wasmPageBytes) });
    const module = new WebAssembly.Module(Buffer.from(compiledBatch, 'base64'));
    this.#loop = new WebAssembly.Instance(module, { env: { memory } }).exports as Loop;
    this.#counters = new Uint32Array(memory.buffer, countersAt, kinds.length);
    this.#bits = new Uint8Array(memory.buffer, bitsAt, bitsBytes);
    this.structPages = new Uint8Array(memory.buffer, structPagesAt, batchBytes);
    setRules(this.#loop, { ...layoutOffsets(layout), ...rules, ...compoundRules(layout), droppedAt: countersAt });
  }

  /** Blocks of several pages with an order that fits where they start. */
  get goodBlocks(): number {
    return this.#loop.goodBlocks.value;
  }

  /** Blocks with an order that does not. */
  get badBlocks(): number {
    return this.#loop.badBlocks.value;
  }

  /** Forgets all pages seen so far: the next window starts at page frame 0. */
  restart(): void {
    this.dropped.fill(0);
    this.blockEnd = 0;
    this.#loop.goodBlocks.value = 0;
    this.#loop.badBlocks.value = 0;
  }

  /** From now on bit i of `kept` belongs to page frame `base + i`. The rest of a block that began before `base` is dropped at once. */
  startWindow(kept: Bitmap, base: Pfn): void {
    this.#kept = kept;
    this.#base = base;
    if (this.blockEnd > base) this.#dropBlock(base, this.blockEnd, this.#blockKind);
  }

  /**
   * Decides for `pages` pages from page frame `start` on.
   *
   * @param bytes struct pages; in `structPages`, or anywhere else and then copied.
   * @param first index in `bytes` of the struct page of `start`.
   * @param readable how many struct pages are in `bytes` from there on: at least `pages`, at most `batchBytes` in all.
   */
  classify(bytes: Uint8Array, first: number, start: Pfn, pages: number, readable: number): void {
    const firstBit = start - this.#base;
    const from = Math.floor(firstBit / 8);
    const bit = firstBit % 8;
    const to = from + Math.ceil((bit + pages) / 8);
    const { bytes: kept } = this.#kept;
    this.#bits.set(kept.subarray(from, to));
    this.#counters.fill(0);
    const address = this.#place(bytes, first, readable * this.#sizeBytes);
    const decided = this.#loop.classifyBatch(address, pages, readable, start % 2 ** 32, bitsAt, bit);
    kept.set(this.#bits.subarray(0, to - from), from);
    for (let kind = 0; kind < kinds.length; kind++) this.dropped[kind] += this.#counters[kind];
    if (decided > pages) this.#dropBlock(start + pages, start + decided, this.#loop.lastKind.value);
  }

  /** @returns the address of the struct pages in the loop's memory. */
  #place(bytes: Uint8Array, first: number, length: number): number {
    if (bytes.buffer === this.structPages.buffer) return bytes.byteOffset + first;
    this.structPages.set(bytes.subarray(first, first + length));
    return structPagesAt;
  }

  #dropBlock(start: Pfn, end: Pfn, kind: PageKind): void {
    this.dropped[kind] += this.#kept.clearRange(start - this.#base, end - this.#base);
    this.blockEnd = end;
    this.#blockKind = kind;
  }
}

/** The loop knows its rules by the names they have here; a rule it does not know is a mistake of ours. */
function setRules(loop: Loop, rules: { readonly [name: string]: number | boolean }): void {
  for (const [name, value] of Object.entries(rules)) {
    const rule = loop[name];
    rule.value = typeof rule.value === 'bigint' ? BigInt(value) : Number(value);
  }
}

/** Byte offsets in a struct page. */
function layoutOffsets(layout: PageLayout) {
  return {
    sizeBytes: layout.sizeBytes,
    flagsAt: layout.flags,
    mappingAt: layout.mapping,
    // A member that the kernel does not have is read from another place, and never matches: its types, or its mask, are empty.
    mapcountAt: layout.mapcount ?? layout.flags,
    privateAt: layout.private ?? layout.flags,
    headAt: layout.compoundHead ?? layout.flags,
    tailMask: layout.compoundHead === undefined ? 0 : 1,
  };
}
