/**
 * Fills the guest of the measurement in the capture kernel, and keeps it so until the kernel crashes: first memory that a dump keeps, with what
 * a system holds (program code, its tables of names, inodes and dentries), then every class of page as the harness's own workload makes them.
 */
import { dlopen, ptr } from 'bun:ffi';
import { globSync, mkdirSync, readFileSync } from 'node:fs';

const { symbols: libc } = dlopen('libc.so.6', {
  mknod: { args: ['ptr', 'u32', 'u64'], returns: 'i32' },
  access: { args: ['ptr', 'i32'], returns: 'i32' },
  pipe: { args: ['ptr'], returns: 'i32' },
  fcntl: { args: ['i32', 'i32', 'i64'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'u64'], returns: 'i64' },
});

const page = 4096;
const mib = 1024 * 1024;
const regularFile = 0o100644;
const setPipeSize = 1031;
const pipes = 220;
const inodes = 40_000;

/** The same sequence on every run. */
let state = 0x2545f491;
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** At which of a hundred lots each ends. */
const samples = [
  { upTo: 50, bytes: readFileSync('/exe/kcapture') },
  { upTo: 65, bytes: Buffer.concat(globSync('/modules/*.ko').map((name) => readFileSync(name))) },
  { upTo: 93, bytes: readFileSync('/proc/kallsyms') },
  { upTo: 100, bytes: Buffer.alloc(mib) },
];

function piece(sizeBytes: number): Uint8Array {
  const lot = random(100);
  const { bytes } = samples.find(({ upTo }) => lot < upTo) ?? samples[0];
  const from = random((bytes.length - sizeBytes) / 8) * 8;
  return bytes.subarray(from, from + sizeBytes);
}

function fillPipes(): number {
  const pair = new Int32Array(2);
  let written = 0;
  for (let index = 0; index < pipes; index++) {
    if (libc.pipe(ptr(pair)) !== 0) throw new Error('Cannot make a pipe');
    const room = libc.fcntl(pair[1], setPipeSize, BigInt(mib));
    for (let at = 0; at < room; at += 4 * page) written += Number(libc.write(pair[1], ptr(piece(4 * page)), BigInt(4 * page)));
  }
  return written;
}

function makeInodes(): void {
  mkdirSync('/mnt/objects');
  const path = Buffer.alloc(256);
  for (let index = 0; index < inodes; index++) {
    path[path.write(`/mnt/objects/object-${index}`, 'latin1')] = 0;
    libc.mknod(ptr(path), regularFile, 0n);
    path[path.write(`/mnt/objects/missing-${index}.so`, 'latin1')] = 0;
    libc.access(ptr(path), 0);
  }
}

process.stdout.write(`pipe bytes: ${fillPipes()}\n`);
makeInodes();
await import('/page-classes.ts' as string);
