/**
 * Takes a few pages out of use through the kernel's memory-failure code, where the kernel has it (the program is killed for touching a page
 * it declared broken itself, so it is a program of its own).
 */
import { dlopen, ptr } from 'bun:ffi';
import { openSync } from 'node:fs';

const { symbols: libc } = dlopen('libc.so.6', {
  posix_memalign: { args: ['ptr', 'u64', 'u64'], returns: 'i32' },
  mmap: { args: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'u64' },
  memcpy: { args: ['ptr', 'u64', 'u64'], returns: 'u64' },
  memset: { args: ['u64', 'i32', 'u64'], returns: 'u64' },
  madvise: { args: ['u64', 'u64', 'i32'], returns: 'i32' },
});

const page = 4096n;
const adviceHwpoison = 100;
const adviceSoftOffline = 101;

// A clean page of a file: the kernel drops it from the page cache and nobody is hurt.
const file = openSync('/disk/cache/clean', 'r');
const clean = libc.mmap(0n, page, 1, 1, file, 0n);
const destination = new Uint8Array(1);
libc.memcpy(ptr(destination), clean, 1n);
process.stdout.write(`hwpoison of a file's page: ${libc.madvise(clean, page, adviceHwpoison)}\n`);

const slot = new BigUint64Array(1);
if (libc.posix_memalign(ptr(slot), page, 8n * page) !== 0) throw new Error('Cannot get eight pages');
const address = slot[0];
libc.memset(address, 0x42, 8n * page);
process.stdout.write(`soft offline: ${libc.madvise(address + page, page, adviceSoftOffline)}\n`);
process.stdout.write(`hwpoison of an anonymous page: ${libc.madvise(address + 3n * page, page, adviceHwpoison)}\n`);
