/**
 * Fills a large guest with what a busy machine holds, and keeps it until the kernel crashes: `files` or `buffers`, two programs at once.
 *
 * Most of it is memory a dump keeps: slab by the hundred thousand dentries and inodes, socket and pipe buffers, messages, page tables. A part
 * is given back again, so that free pages hold old data and lie in small pieces.
 */
import { dlopen, ptr, toArrayBuffer } from 'bun:ffi';
import { mkdirSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';

const { symbols: libc } = dlopen('libc.so.6', {
  mmap: { args: ['u64', 'u64', 'i32', 'i32', 'i32', 'i64'], returns: 'u64' },
  munmap: { args: ['u64', 'u64'], returns: 'i32' },
  madvise: { args: ['u64', 'u64', 'i32'], returns: 'i32' },
  memset: { args: ['u64', 'i32', 'u64'], returns: 'u64' },
  mknod: { args: ['ptr', 'u32', 'u64'], returns: 'i32' },
  access: { args: ['ptr', 'i32'], returns: 'i32' },
  setrlimit: { args: ['i32', 'ptr'], returns: 'i32' },
  socketpair: { args: ['i32', 'i32', 'i32', 'ptr'], returns: 'i32' },
  send: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i64' },
  pipe: { args: ['ptr'], returns: 'i32' },
  fcntl: { args: ['i32', 'i32', 'i64'], returns: 'i32' },
  write: { args: ['i32', 'ptr', 'u64'], returns: 'i64' },
  close: { args: ['i32'], returns: 'i32' },
  msgget: { args: ['i32', 'i32'], returns: 'i32' },
  msgsnd: { args: ['i32', 'ptr', 'u64', 'i32'], returns: 'i32' },
});

const page = 4096;
const mib = 1024 * 1024;
const protectReadWrite = 3;
const mapShared = 0x01;
const mapPrivate = 0x02;
const mapAnonymous = 0x20;
const mapNoReserve = 0x4000;
const mapPopulate = 0x8000;
const mapHugetlb = 0x40000;
const adviceHugepage = 14;
const adviceNoHugepage = 15;
const regularFile = 0o100644;
const limitOpenFiles = 7;
const setPipeSize = 1031;
const sendDontWait = 0x40;
const ipcDontWait = 0o4000;
const ipcCreate = 0o1600;

const startedAt = performance.now();
function say(text: string): void {
  process.stdout.write(`${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${text}\n`);
}

/** The same sequence on every run. */
let state = 0x2545f491;
function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** A path for the C library, overwritten in place. */
const path = Buffer.alloc(256);
function setPath(text: string): Buffer {
  path[path.write(text, 'latin1')] = 0;
  return path;
}

function files(): void {
  const perFolder = 1000;
  for (let folder = 0; folder < 330; folder++) {
    mkdirSync(`/mnt/session-${folder}`);
    for (let index = 0; index < perFolder; index++) libc.mknod(ptr(setPath(`/mnt/session-${folder}/object-${index}`)), regularFile, 0n);
  }
  say('tmpfs inodes');
  mkdirSync('/disk/empty');
  for (let index = 0; index < 300_000; index++) libc.access(ptr(setPath(`/disk/empty/looked-for-${index}.so`)), 0);
  say('negative dentries');
  const content = readFileSync('/mnt/program').subarray(0, 8 * mib);
  for (let folder = 0; folder < 70; folder++) {
    mkdirSync(`/disk/spool-${folder}`);
    for (let index = 0; index < perFolder; index++) {
      const name = `/disk/spool-${folder}/message-${index}`;
      if (index % 10 !== 0) libc.mknod(ptr(setPath(name)), regularFile, 0n);
      else {
        const from = random(content.length - 4 * page);
        writeFileSync(name, content.subarray(from, from + random(4 * page)));
      }
    }
  }
  say('ext4 inodes');
  for (let folder = 0; folder < 330; folder += 8)
    for (let index = 0; index < perFolder; index++) unlinkSync(`/mnt/session-${folder}/object-${index}`);
  say('given back');
}

type Mapping = { readonly address: bigint; readonly bytes: Uint8Array };

function map(length: number, flags: number, fd = -1): Mapping {
  const address = BigInt(libc.mmap(0n, BigInt(length), protectReadWrite, flags, fd, 0n));
  if (address >= 0xffff_ffff_ffff_f000n) throw new Error(`Cannot map ${length} bytes with flags 0x${flags.toString(16)}`);
  return { address, bytes: new Uint8Array(toArrayBuffer(Number(address) as never, 0, length)) };
}

/** Samples of what memory holds, and at which of a hundred lots each ends: program code, log text, tables of pointers and small numbers, noise, zeros. */
function makeSamples(): readonly { readonly upTo: number; readonly bytes: Uint8Array }[] {
  const lines: string[] = [];
  for (let line = 0; line < 40_000; line++)
    lines.push(
      `{"time":"2024-05-${1 + random(28)}T${random(24)}:${random(60)}:${random(60)}.${random(1000)}Z","unit":"worker-${random(64)}","level":"info","message":"request ${random(1e9).toString(36)} took ${random(5000)} us","bytes":${random(1e6)}}\n`,
    );
  const table = new Uint32Array(mib);
  for (let at = 0; at < table.length; at += 8) {
    table[at] = random(0x2000_0000) * 8;
    table[at + 1] = 0xffff8881;
    table[at + 2] = table[at] + 64;
    table[at + 3] = 0xffff8881;
    table[at + 4] = random(4);
    table[at + 6] = random(100_000);
  }
  const noise = new Uint8Array(4 * mib);
  for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
  return [
    { upTo: 40, bytes: readFileSync('/mnt/program') },
    { upTo: 67, bytes: Buffer.from(lines.join('')) },
    { upTo: 89, bytes: new Uint8Array(table.buffer) },
    { upTo: 93, bytes: noise },
    { upTo: 100, bytes: new Uint8Array(mib) },
  ];
}

function buffers(): readonly Mapping[] {
  const limit = new BigUint64Array([100_000n, 100_000n]);
  if (libc.setrlimit(limitOpenFiles, ptr(limit)) !== 0) throw new Error('Cannot raise the limit of open files');
  const samples = makeSamples();
  say('samples');

  /** Some piece of some sample. */
  const piece = (sizeBytes: number): Uint8Array => {
    const lot = random(100);
    const sample = samples.find(({ upTo }) => lot < upTo) ?? samples[0];
    const from = random((sample.bytes.length - sizeBytes) / 8) * 8;
    return sample.bytes.subarray(from, from + sizeBytes);
  };
  const fill = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; at += 8 * page) bytes.set(piece(Math.min(8 * page, bytes.length - at)), at);
  };

  const pair = new Int32Array(2);
  let piped = 0;
  const pipes: number[] = [];
  for (let index = 0; index < 240; index++) {
    if (libc.pipe(ptr(pair)) !== 0) throw new Error('Cannot make a pipe');
    const room = libc.fcntl(pair[1], setPipeSize, BigInt(mib));
    for (let at = 0; at < room; at += 4 * page) piped += Number(libc.write(pair[1], ptr(piece(4 * page)), BigInt(4 * page)));
    pipes.push(pair[0], pair[1]);
  }
  say(`pipes: ${piped} bytes`);

  let sent = 0;
  for (let index = 0; index < 1000; index++) {
    if (libc.socketpair(1, 1, 0, ptr(pair)) !== 0) throw new Error('Cannot make a pair of sockets');
    for (const end of pair)
      for (let times = 0; times < 400; times++) {
        const sizeBytes = 64 + random(times % 3 === 0 ? 8000 : 1400);
        const length = Number(libc.send(end, ptr(piece(sizeBytes)), BigInt(sizeBytes), sendDontWait));
        if (length <= 0) break;
        sent += length;
      }
  }
  say(`sockets: ${sent} bytes`);

  writeFileSync('/proc/sys/kernel/msgmax', '65536');
  writeFileSync('/proc/sys/kernel/msgmnb', String(4 * mib));
  const message = new Uint8Array(8 + 8 * page);
  message[0] = 1;
  let queued = 0;
  for (let queue = 0; queue < 24; queue++) {
    const id = libc.msgget(0, ipcCreate);
    for (;;) {
      const sizeBytes = 200 + random(7000);
      message.set(piece(sizeBytes), 8);
      if (libc.msgsnd(id, ptr(message), BigInt(sizeBytes), ipcDontWait) !== 0) break;
      queued += sizeBytes;
    }
  }
  say(`messages: ${queued} bytes`);

  const anonymous = map(1100 * mib, mapPrivate | mapAnonymous);
  libc.madvise(anonymous.address, BigInt(anonymous.bytes.length), adviceNoHugepage);
  fill(anonymous.bytes);
  const transparent = map(256 * mib, mapPrivate | mapAnonymous);
  libc.madvise(transparent.address, BigInt(transparent.bytes.length), adviceHugepage);
  fill(transparent.bytes);
  // Most of the reserved huge pages are touched; the rest stay in the pool.
  const huge = map(160 * mib, mapPrivate | mapAnonymous | mapHugetlb);
  fill(huge.bytes);
  say('anonymous memory');

  // Page tables: one file mapped many times, and single pages far apart.
  const shared = openSync('/mnt/tmpfs-file-1', 'r+');
  for (let times = 0; times < 60; times++) libc.mmap(0n, BigInt(80 * mib), protectReadWrite, mapShared | mapPopulate, shared, 0n);
  for (let times = 0; times < 8; times++) {
    const { address } = map(1024 * mib, mapPrivate | mapAnonymous | mapNoReserve);
    libc.madvise(address, BigInt(1024 * mib), adviceNoHugepage);
    for (let at = 0; at < 1024 * mib; at += 2 * mib) libc.memset(address + BigInt(at), 0x5a, 64n);
  }
  say('page tables');

  for (let index = 0; index < pipes.length; index += 10) {
    libc.close(pipes[index]);
    libc.close(pipes[index + 1]);
  }
  for (let at = 0; at < 1100 * mib; at += 16 * mib) libc.munmap(anonymous.address + BigInt(at), BigInt(random(512) * page));
  say('given back');
  return [transparent, huge];
}

const part = process.argv[2];
const held = part === 'files' ? files() : buffers();
writeFileSync(`/run/workload-${part}.ready`, '');
setInterval(() => held, 1_000_000);
