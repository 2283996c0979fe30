/**
 * The lockless ring buffer of kernels since 5.10: a ring of descriptors, a ring of facts about the records, a ring of text.
 *
 * ```
 *  prb ──> printk_ringbuffer
 *            desc_ring  count_bits, descs ──> prb_desc[2^count_bits]     state_var, text_blk_lpos {begin, next}
 *                       head_id, tail_id  infos ──> printk_info[same]    seq, ts_nsec, text_len, caller_id
 *            text_data_ring  size_bits, data ──> bytes[2^size_bits]      blocks: u64 id, text
 * ```
 * Record `id` is in slot `id % 2^count_bits`. The records that count are `tail_id … head_id`, both inclusive, in state committed or finalized.
 *
 * @source kernel/printk/printk_ringbuffer.[ch]; Linux kernel commit 896fbe20b4e2 ("printk: use the lockless ringbuffer") (in v5.10)
 */
import type { Vmcoreinfo } from '../../vmcoreinfo/vmcoreinfo.ts';
import { AnalyseError } from '../analyse-error.ts';
import { formatRecord } from './format.ts';
import { KernelArray, type KernelMemory, readU64, readView } from './kernel-memory.ts';
import { type LogSource, needMember, needOffset, needSize, needSymbol } from './log-source.ts';

const idMask = (1n << 62n) - 1n;
const committed = 1n;
const finalized = 2n;

/** A text block begins with the id of its descriptor. */
const blockIdBytes = 8;

/** 2 GiB, the kernel's own limit; a descriptor stands for 32 bytes of text on average. @source printk.c LOG_BUF_LEN_MAX, PRB_AVGBITS */
const maxSizeBits = 31;
const maxCountBits = 26;

/** More records than any kernel keeps; a ring that cannot be read that far is none. */
const mostUnreadable = 2 ** 20;

type Ring = {
  readonly count: number;
  readonly textBytes: number;
  readonly headId: bigint;
  readonly tailId: bigint;
  readonly descs: KernelArray;
  readonly infos: KernelArray;
  readonly text: KernelArray;
};

/** Offsets inside prb_desc and printk_info, each checked to lie inside its structure. */
type Layout = {
  readonly descBytes: number;
  readonly state: number;
  readonly begin: number;
  readonly next: number;
  readonly infoBytes: number;
  readonly timeNs: number;
  readonly textLength: number;
  readonly callerId: number | undefined;
  readonly seq: number | undefined;
};

/**
 * Appends every record, oldest first.
 * @throws AnalyseError `analyse/no-log`, `analyse/damaged`; and what the memory throws when not even the ring's head can be read.
 */
export function readLocklessLog(source: LogSource): void {
  const layout = readLayout(source);
  const ring = readRing(source.info, source.memory, layout);
  const clearSeq = source.partial ? readClearSeq(source) : 0n;
  const span = (ring.headId - ring.tailId) & idMask;
  let count = Number(span) + 1;
  let id = ring.tailId;
  if (count > ring.count) {
    source.warn(`the ring claims ${count} records but has room for ${ring.count}: read the newest ${ring.count}`);
    count = ring.count;
    id = (ring.headId - BigInt(count - 1)) & idMask;
  }
  readRecords(source, ring, layout, id, count, clearSeq);
}

function readRecords(source: LogSource, ring: Ring, layout: Layout, first: bigint, count: number, clearSeq: bigint): void {
  let unreadable = 0;
  let damaged = 0;
  let textLeft = ring.textBytes;
  let id = first;
  for (let i = 0; i < count; i++, id = (id + 1n) & idMask) {
    const result = readRecord(source, ring, layout, id, clearSeq);
    if (result === 'unreadable' && ++unreadable > mostUnreadable) break;
    if (result === 'unreadable') continue;
    if (result === 'damaged') damaged++;
    else textLeft -= result;
    if (textLeft < 0) {
      source.warn(`the records overlap: more text than the ring's ${ring.textBytes} bytes; stopped after record ${i + 1} of ${count}`);
      break;
    }
  }
  const most = unreadable > mostUnreadable ? '; the rest was not tried' : '';
  if (unreadable > 0) source.warn(`${unreadable} of ${count} records lie on pages that cannot be read${most}`);
  if (damaged > 0) source.warn(`${damaged} of ${count} records are damaged`);
}

/** Appends one record; returns how many bytes of the text ring it took, or why it could not be printed. */
function readRecord(source: LogSource, ring: Ring, layout: Layout, id: bigint, clearSeq: bigint): number | 'unreadable' | 'damaged' {
  const slot = Number(id % BigInt(ring.count));
  const desc = ring.descs.locate(slot * layout.descBytes, layout.descBytes);
  if (desc < 0) return 'unreadable';
  const state = ring.descs.view.getBigUint64(desc + layout.state, true);
  // A slot that holds another id, or one a writer still fills, is not part of the log.
  if ((state & idMask) !== id || (state >> 62n !== committed && state >> 62n !== finalized)) return 0;

  // The ring's size is a power of two of at most 2^31, so the low half of a position is enough.
  let begin = ring.descs.view.getUint32(desc + layout.begin, true) % ring.textBytes;
  let next = ring.descs.view.getUint32(desc + layout.next, true) % ring.textBytes;
  if (begin === next) return 0;
  // Since 6.19 a block may end exactly at the end of the ring; before, such a block moved to the start.
  if (next === 0) next = ring.textBytes;
  // A block that would cross the end of the ring lies at its start instead.
  if (begin > next) begin = 0;
  begin += blockIdBytes;
  if (begin > next) return 'damaged';

  const info = ring.infos.locate(slot * layout.infoBytes, layout.infoBytes);
  if (info < 0) return 'unreadable';
  const facts = ring.infos.view;
  if (layout.seq !== undefined && facts.getBigUint64(info + layout.seq, true) < clearSeq) return 0;
  const length = Math.min(facts.getUint16(info + layout.textLength, true), next - begin);
  const text = ring.text.locate(begin, length);
  if (text < 0) return 'unreadable';
  const head = {
    timeNs: facts.getBigUint64(info + layout.timeNs, true),
    callerId: layout.callerId === undefined ? undefined : facts.getUint32(info + layout.callerId, true),
  };
  formatRecord(source.out, head, ring.text.bytes.subarray(text, text + length), source.signedChars);
  return length;
}

function readLayout({ info, callers }: LogSource): Layout {
  const descBytes = needSize(info, 'prb_desc');
  const infoBytes = needSize(info, 'printk_info');
  const block = needMember(info, 'prb_desc.text_blk_lpos', 16, descBytes);
  return {
    descBytes,
    state: needMember(info, 'prb_desc.state_var', 8, descBytes) + needMember(info, 'atomic_long_t.counter', 8, 8),
    begin: block + needMember(info, 'prb_data_blk_lpos.begin', 8, 16),
    next: block + needMember(info, 'prb_data_blk_lpos.next', 8, 16),
    infoBytes,
    timeNs: needMember(info, 'printk_info.ts_nsec', 8, infoBytes),
    textLength: needMember(info, 'printk_info.text_len', 2, infoBytes),
    callerId: callers ? optionalMember(info, 'printk_info.caller_id', 4, infoBytes) : undefined,
    seq: optionalMember(info, 'printk_info.seq', 8, infoBytes),
  };
}

function readRing(info: Vmcoreinfo, memory: KernelMemory, layout: Layout): Ring {
  const bytes = needSize(info, 'printk_ringbuffer');
  const member = (base: number, name: string, width: number) => base + needMember(info, name, width, bytes - base);
  const descRing = needMember(info, 'printk_ringbuffer.desc_ring', 8, bytes);
  const textRing = needMember(info, 'printk_ringbuffer.text_data_ring', 8, bytes);
  const prb = readView(memory, readU64(memory, needSymbol(info, 'prb')), bytes);
  const count = 2 ** bits(prb.getUint32(member(descRing, 'prb_desc_ring.count_bits', 4), true), 'count_bits', maxCountBits);
  const textBytes = 2 ** bits(prb.getUint32(member(textRing, 'prb_data_ring.size_bits', 4), true), 'size_bits', maxSizeBits);
  const pointer = (base: number, name: string) => prb.getBigUint64(member(base, name, 8), true);
  const counter = needOffset(info, 'atomic_long_t.counter');
  const id = (name: string) => prb.getBigUint64(member(descRing, name, 8) + counter, true) & idMask;
  return {
    count,
    textBytes,
    headId: id('prb_desc_ring.head_id'),
    tailId: id('prb_desc_ring.tail_id'),
    descs: new KernelArray(memory, pointer(descRing, 'prb_desc_ring.descs'), count * layout.descBytes),
    infos: new KernelArray(memory, pointer(descRing, 'prb_desc_ring.infos'), count * layout.infoBytes),
    text: new KernelArray(memory, pointer(textRing, 'prb_data_ring.data'), textBytes),
  };
}

function bits(value: number, name: string, most: number): number {
  if (value < 1 || value > most) {
    throw new AnalyseError('analyse/damaged', `Cannot read the kernel log: ${name} is ${value}, expected 1 to ${most}`);
  }
  return value;
}

function optionalMember(info: Vmcoreinfo, member: string, memberBytes: number, structBytes: number): number | undefined {
  return info.offset(member) === undefined ? undefined : needMember(info, member, memberBytes, structBytes);
}

/**
 * The sequence number from which on records are new since `dmesg --clear`: a plain u64, or one of two copies of which an even or odd
 * counter tells the valid one.
 *
 * @source Linux kernel commit 7d7a23a91c91 ("printk: use seqcount_latch for clear_seq") (in v5.13)
 */
function readClearSeq({ info, memory, warn }: LogSource): bigint {
  const address = info.symbol('clear_seq');
  if (address === undefined || info.offset('printk_info.seq') === undefined) {
    warn('VMCOREINFO does not tell what was cleared: read all of the log');
    return 0n;
  }
  const first = readU64(memory, address);
  if (info.size('latched_seq') === undefined) return first;
  return readU64(memory, address + BigInt(needOffset(info, 'latched_seq.val')) + (first & 1n) * 8n);
}
