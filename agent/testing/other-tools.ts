/** The tools that judge our dumps in tests: makedumpfile, libkdumpfile, drgn, the system's zlib. Missing ones fail the test. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CodecName, CompressError, type PageCodec } from '../compress/codec.ts';
import type { TestMachine } from './build-machine.ts';

/** Debian's python3, which has the bindings; another one may come first in PATH. */
const python = '/usr/bin/python3';

/** A folder of its own for one test file. */
export function makeFolder(teardown: (clean: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Runs a program to its end; throws with what it printed when it fails. */
export function runTool(command: string, args: readonly string[], options: { cwd?: string; input?: Uint8Array } = {}): Buffer {
  const result = spawnSync(command, args, { ...options, maxBuffer: 1 << 30, timeout: 60_000 });
  if (result.status === 0) return result.stdout;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  throw new Error(`Cannot run ${command} ${args.join(' ')}: ${result.error?.message ?? `status ${result.status}`}\n${output}`);
}

export function runPython(program: string, args: readonly string[], input?: Uint8Array): Buffer {
  return runTool(python, ['-c', program, ...args], { input });
}

/** How two files differ, in a few words: `same` when they do not. */
export function compareBytes(actual: Uint8Array, expected: Uint8Array): string {
  if (Buffer.compare(actual, expected) === 0) return 'same';
  const first = actual.findIndex((byte, index) => byte !== expected[index]);
  return `${actual.length} and ${expected.length} bytes, first difference at ${first}`;
}

/**
 * A codec as makedumpfile and libkdumpfile have it: all pages of the machine are compressed beforehand by the library of this
 * system (Node's own zlib makes other blocks of the same page, and Node has no lzo, snappy or zstd).
 */
export class SystemCodec implements PageCodec {
  readonly name: CodecName;
  readonly #blocks = new Map<string, Buffer>();
  readonly #pages = new Map<string, Uint8Array>();

  constructor(name: CodecName, machine: TestMachine) {
    this.name = name;
    const pages: Uint8Array[] = [];
    for (const { start, end } of machine.ranges) for (let pfn = start; pfn < end; pfn++) pages.push(machine.page(pfn));
    const answer = runPython(compressProgram, [name, String(machine.pageSize)], Buffer.concat(pages));
    let at = 0;
    for (const page of pages) {
      const length = answer.readUInt32LE(at);
      const block = answer.subarray(at + 4, at + 4 + length);
      this.#blocks.set(key(page), block);
      this.#pages.set(key(block), page);
      at += 4 + length;
    }
  }

  outputBound(length: number): number {
    return length;
  }

  compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const block = this.#blocks.get(key(source.subarray(sourceStart, sourceStart + length)));
    if (block === undefined) throw new Error('Cannot compress a page that is not of the machine');
    if (block.length >= length) return 0;
    target.set(block, targetStart);
    return block.length;
  }

  decompress(source: Uint8Array, start: number, length: number, target: Uint8Array, targetStart: number, targetLength: number): void {
    const page = this.#pages.get(key(source.subarray(start, start + length)));
    if (page?.length !== targetLength)
      throw new CompressError('compress/corrupt', `Cannot expand a block of ${length} bytes that was not made here`);
    target.set(page, targetStart);
  }

  close(): void {}
}

/** Comes in: a codec, a page size, pages. Goes out: blocks, each after its length. */
const compressProgram = `
import ctypes, struct, sys, zlib
name, size = sys.argv[1], int(sys.argv[2])
library = {'lzo': 'liblzo2.so.2', 'snappy': 'libsnappy.so.1', 'zstd': 'libzstd.so.1', 'zlib': None}[name]
native = ctypes.CDLL(library) if library else None
out, work = ctypes.create_string_buffer(2 * size + 1024), ctypes.create_string_buffer(1 << 20)
def block(page):
    length = ctypes.c_size_t(len(out))
    if name == 'zlib':
        return zlib.compress(page, 1)
    if name == 'lzo':
        status = native.lzo1x_1_compress(page, ctypes.c_size_t(size), out, ctypes.byref(length), work)
    elif name == 'snappy':
        status = native.snappy_compress(page, ctypes.c_size_t(size), out, ctypes.byref(length))
    else:
        native.ZSTD_compress.restype = ctypes.c_size_t
        length.value, status = native.ZSTD_compress(out, length, page, ctypes.c_size_t(size), 1), 0
    assert status == 0 and length.value <= len(out)
    return out.raw[:length.value]
while page := sys.stdin.buffer.read(size):
    made = block(page)
    sys.stdout.buffer.write(struct.pack('<I', len(made)) + made)
`;

function key(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('latin1');
}
