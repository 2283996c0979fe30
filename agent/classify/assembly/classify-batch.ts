// biome-ignore-all lint/style/useConst: the host sets what is exported
/**
 * THE hot loop: struct pages in, bits of the bitmap out. AssemblyScript, which is TypeScript for WebAssembly.
 *
 * It is compiled ahead of time because a capture runs once: in JavaScript this loop spends most of a scan in the engine's slow tiers. Measured
 * on 1.5 million struct pages in a fresh process: 24 to 43 ms in JavaScript (8 when warm), 5 to 7 ms here.
 *
 * `npm run assembly` compiles it into `compiled-batch.ts`. Structs are addressed by byte offsets, which the host sets once from VMCOREINFO
 * (`batch.ts`). What the kernel does not know, and what the dump level keeps, has a mask without bits, or a 64 bit value that no
 * 32 bit number equals.
 */

/** SIZE(page) and the members that decide. */
export let sizeBytes: u32 = 64;
export let flagsAt: u32 = 0;
export let mappingAt: u32 = 0;
export let mapcountAt: u32 = 0;
export let privateAt: u32 = 0;
export let headAt: u32 = 0;
/** Bit of the compound head word that marks a tail page. */
export let tailMask: u32 = 0;

/** The rules of `rules.ts`. */
export let slabType: i64 = 0;
export let slabMask: i32 = 0;
export let buddyType: i64 = 0;
export let unacceptedType: i64 = 0;
export let lruMask: i32 = 0;
export let swapMask: i32 = 0;
export let swapValue: i64 = 0;
export let privateMask: i32 = 0;
export let dropPrivate: i32 = 0;
export let dropUser: i32 = 0;
export let hwpoisonMask: i32 = 0;
export let offlineType: i64 = 0;

/** The rules of `compound.ts`. */
export let headMask: i32 = 0;
export let orderAt: u32 = 0;
export let orderShift: u32 = 0;
export let orderMask: i32 = 0;
export let hugetlbInHead: i32 = 0;
export let hugetlbAt: u32 = 0;
export let hugetlbShift: u32 = 0;
export let hugetlbMask: i32 = 0;
export let hugetlbValue: i64 = 0;
export let hugetlbHighAt: u32 = 0;
export let hugetlbHighMask: i32 = 0;
export let hugetlbHighValue: i64 = 0;
export let freeOrders: i32 = 0;

/** Address of eight counters: pages dropped in the last batch, by kind. */
export let droppedAt: usize = 0;
/** What the block that reaches over the end of the batch is. */
export let lastKind: u32 = 0;
/** Blocks of several pages with an order that fits where they start, and with one that does not. */
export let goodBlocks: u32 = 0;
export let badBlocks: u32 = 0;

/** The values of `PageKind`. */
const kept: u32 = 0;
const cache: u32 = 2;
const cachePrivate: u32 = 3;
const user: u32 = 4;
const free: u32 = 5;
const hwpoison: u32 = 6;
const offline: u32 = 7;

/** PAGE_MAPPING_ANON: set in `mapping` of anonymous pages. */
const anonymousBit: i32 = 1;
/** A head in the last struct page of so many has its first tail somewhere else; no such head exists. */
const pagesPerBatch: u32 = 512;
/** Order of the largest compound page of any x86_64 or aarch64 kernel, a hugetlb page of 16 GiB. One beyond it is damage. */
const largestCompoundOrder: i32 = 22;

/**
 * Decides for `pages` pages and clears the bits of those that are dropped. A page that heads a block decides for all of it.
 *
 * @param structPages address of the first struct page.
 * @param readable how many struct pages are there, at least `pages`.
 * @param pfn low 32 bits of the first page frame number.
 * @param bits address of the bitmap; `firstBit` of it belongs to the first page.
 * @returns the page after the last one decided, beyond `pages` when a block reaches over the end: the caller drops the rest as `lastKind`.
 */
export function classifyBatch(structPages: usize, pages: u32, readable: u32, pfn: u32, bits: usize, firstBit: u32): u32 {
  const size = sizeBytes;
  const flagsOffset = flagsAt;
  const mapcountOffset = mapcountAt;
  const headOffset = headAt;
  const tails = tailMask;
  const heads = headMask;
  let i: u32 = 0;
  let at = structPages;
  while (i < pages) {
    // A tail page goes with its head: had the head been dropped, the scan would not have come here.
    if ((load<u32>(at + headOffset) & tails) !== 0) {
      i++;
      at += size;
      continue;
    }
    const flags = load<i32>(at + flagsOffset);
    const mapcount: i64 = load<i32>(at + mapcountOffset);
    const isHead = (flags & heads) !== 0 && i + 1 < readable && (pfn + i) % pagesPerBatch !== pagesPerBatch - 1;
    const kind = classifyPage(at, flags, mapcount, isHead);
    if (kind === kept) {
      i++;
      at += size;
      continue;
    }
    let count: u32 = 1;
    if (kind === free) {
      count = freePages(at, mapcount, pfn + i);
      if (count === 0) {
        i++;
        at += size;
        continue;
      }
    } else if (isHead) count = compoundPages(at + size, pfn + i);
    drop(kind, bits, firstBit + i, firstBit + min(i + count, pages));
    if (i + count > pages) lastKind = kind;
    i += count;
    at += count * size;
  }
  return i;
}

/** The decision. First reason that holds wins. */
function classifyPage(page: usize, flags: i32, mapcount: i64, isHead: bool): u32 {
  // Kernel objects. Their descriptor lies over the struct page and may look like an anonymous or a free one, so it is asked for first.
  const slab = mapcount === slabType || (flags & slabMask) !== 0;

  // The first page of a free block: nobody owns its content. Or of a block that the guest has not accepted from its host yet: free, and
  // never written.
  if ((mapcount === buddyType && !slab) || mapcount === unacceptedType) return free;

  // Page cache: on the LRU lists or in the swap cache, and not a process's own page. The disk holds it too. With private data (a
  // file system's buffers) it says something about the file system, so it has a level of its own.
  const anonymous = (load<i32>(page + mappingAt) & anonymousBit) !== 0 && !slab;
  if (!anonymous && ((flags & lruMask) !== 0 || <i64>(flags & swapMask) === swapValue)) {
    if ((flags & privateMask) === 0) return cache;
    if (dropPrivate !== 0) return cachePrivate;
  }

  // A process's own data: anonymous memory, and huge pages from the hugetlb pool.
  if (dropUser !== 0 && (anonymous || (isHead && isHugetlb(page)))) return user;

  // Broken memory. Reading it may raise another machine check, so it stays out at every level.
  if ((flags & hwpoisonMask) !== 0) return hwpoison;

  // Memory that was given back to the host. Reading it may fail or stop the guest, so it stays out at every level.
  if (mapcount === offlineType && !slab) return offline;

  return kept;
}

/** Whether the compound page at `head` is a hugetlb page: one word, or two in the tail, have the values that say so. */
function isHugetlb(head: usize): bool {
  const tail = head + sizeBytes;
  const word = load<u32>((hugetlbInHead !== 0 ? head : tail) + hugetlbAt);
  if (<i64>(<i32>(word >> hugetlbShift) & hugetlbMask) !== hugetlbValue) return false;
  return <i64>(load<i32>(tail + hugetlbHighAt) & hugetlbHighMask) === hugetlbHighValue;
}

/** @returns pages of the compound page with this first tail; 1 where the order makes no sense: then the head alone is dropped. */
function compoundPages(tail: usize, pfn: u32): u32 {
  const order = <i32>(load<u32>(tail + orderAt) >> orderShift) & orderMask;
  const pages = order >= 0 && order <= largestCompoundOrder ? alignedPages(order, pfn) : 0;
  countBlock(pages);
  return pages === 0 ? 1 : pages;
}

/** @returns pages of the free block at `page`; 0 where the order makes no sense: then the page is kept. */
function freePages(page: usize, mapcount: i64, pfn: u32): u32 {
  let pages: u32 = 0;
  // Only blocks of the highest order wait to be accepted.
  if (mapcount === unacceptedType) pages = alignedPages(freeOrders - 1, pfn);
  else {
    const order = load<i32>(page + privateAt);
    if (load<i32>(page + privateAt + 4) === 0 && order >= 0 && order < freeOrders) pages = alignedPages(order, pfn);
  }
  countBlock(pages);
  return pages;
}

/** Blocks of any kind start at a multiple of their size. */
function alignedPages(order: i32, pfn: u32): u32 {
  const pages: u32 = 1 << order;
  return (pfn & (pages - 1)) === 0 ? pages : 0;
}

function countBlock(pages: u32): void {
  if (pages === 0) badBlocks++;
  else if (pages > 1) goodBlocks++;
}

/** Clears bits `from … to` and counts those that were set. */
function drop(kind: u32, bits: usize, from: u32, to: u32): void {
  let count: u32 = 0;
  let bit = from;
  while (bit < to) {
    const at = bits + (bit >> 3);
    const byte = <u32>load<u8>(at);
    const wide = (bit & 7) === 0 && bit + 8 <= to;
    const mask: u32 = wide ? 0xff : 1 << (bit & 7);
    count += popcnt<u32>(byte & mask);
    store<u8>(at, <u8>(byte & ~mask));
    bit += wide ? 8 : 1;
  }
  const counter = droppedAt + kind * 4;
  store<u32>(counter, load<u32>(counter) + count);
}
