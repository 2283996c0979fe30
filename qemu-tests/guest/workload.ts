/**
 * Makes page classes real inside the guest, run by the executable's own runtime, and keeps them until the kernel crashes.
 *
 * Anonymous pages (zero, repeated, random), a transparent huge page, hugetlb pages, ten thousand dentries, full socket buffers, and
 * a mapped file.
 */
import { dlopen, ptr, toArrayBuffer } from 'bun:ffi';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';

const { symbols: libc } = dlopen('libc.so.6', {
  mmap: { args: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'u64' },
  madvise: { args: ['u64', 'u64', 'i32'], returns: 'i32' },
  socketpair: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
});

const page = 4096;
const mib = 1024 * 1024;
const protectReadWrite = 3;
const mapPrivate = 0x02;
const mapShared = 0x01;
const mapAnonymous = 0x20;
const mapHugetlb = 0x40000;
const adviceHugepage = 14;
const unixSockets = 1;
const streamSocket = 1;
const sendDontWait = 0x40;

type Mapping = { readonly address: bigint; readonly bytes: Uint8Array };

function map(length: number, flags: number, fd = -1): Mapping {
  const address = BigInt(libc.mmap(0n, BigInt(length), protectReadWrite, flags, fd, 0n));
  if (address >= 0xffff_ffff_ffff_f000n) throw new Error(`Cannot map ${length} bytes with flags 0x${flags.toString(16)}`);
  return { address, bytes: new Uint8Array(toArrayBuffer(Number(address) as never, 0, length)) };
}

/** A third of the pages stays zero though touched, a third repeats a text, a third is noise. */
function fill(bytes: Uint8Array): void {
  const text = new TextEncoder().encode('the quick brown fox keeps every page class busy. ');
  let noise = 0x2545f491;
  for (let offset = 0; offset < bytes.length; offset += page) {
    const kind = (offset / page) % 3;
    if (kind === 0) bytes[offset] = 0;
    else if (kind === 1) for (let at = 0; at < page; at += 1) bytes[offset + at] = text[at % text.length];
    else
      for (let at = 0; at < page; at += 1) {
        noise = (Math.imul(noise, 1664525) + 1013904223) | 0;
        bytes[offset + at] = noise >>> 24;
      }
  }
}

function fillSockets(count: number): number {
  const pair = new Int32Array(2);
  const message = new Uint8Array(1900).fill(0x53);
  let sent = 0;
  for (let index = 0; index < count; index += 1) {
    if (libc.socketpair(unixSockets, streamSocket, 0, ptr(pair)) !== 0) throw new Error('Cannot make a pair of sockets');
    for (let times = 0; times < 64; times += 1) {
      const length = Number(libc.send(pair[0], ptr(message), BigInt(message.length), sendDontWait));
      if (length <= 0) break;
      sent += length;
    }
  }
  return sent;
}

function makeDentries(folder: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    closeSync(openSync(`${folder}/entry-${index}`, 'w'));
    existsSync(`${folder}/missing-${index}`);
  }
}

const anonymous = map(96 * mib, mapPrivate | mapAnonymous);
fill(anonymous.bytes);

const transparent = map(16 * mib, mapPrivate | mapAnonymous);
process.stdout.write(`transparent huge pages: ${libc.madvise(transparent.address, BigInt(16 * mib), adviceHugepage)}\n`);
fill(transparent.bytes);

// Eight of the twelve reserved huge pages are touched; the rest stay in the pool.
const huge = map(16 * mib, mapPrivate | mapAnonymous | mapHugetlb);
fill(huge.bytes);

const file = openSync('/mnt/mapped-file', 'w+');
writeFileSync(file, new Uint8Array(4 * mib).fill(0x4d));
const mapped = map(4 * mib, mapShared, file);
for (let offset = 0; offset < mapped.bytes.length; offset += page) mapped.bytes[offset] = 1;

process.stdout.write(`socket bytes: ${fillSockets(64)}\n`);
makeDentries('/mnt/dentries', 10_000);

writeFileSync('/run/workload.ready', '');
setInterval(() => anonymous.bytes[1] + transparent.bytes[1] + huge.bytes[1] + mapped.bytes[1], 1_000_000);
