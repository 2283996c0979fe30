/** The tools that judge our dumps in tests: makedumpfile, libkdumpfile, drgn, the system's zlib. Missing ones fail the test. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import type { TestMachine } from './build-machine.ts';
import { NodeZlibCodec } from './node-zlib-codec.ts';

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
 * zlib as makedumpfile has it. Node's own makes other blocks of the same page; so all pages of the machine are compressed by the
 * system's library beforehand.
 */
export class SystemZlibCodec extends NodeZlibCodec {
  readonly #blocks = new Map<string, Buffer>();

  constructor(machine: TestMachine) {
    super();
    const pages: Uint8Array[] = [];
    for (const { start, end } of machine.ranges) for (let pfn = start; pfn < end; pfn++) pages.push(machine.page(pfn));
    const answer = runPython(compressProgram, [String(machine.pageSize)], Buffer.concat(pages));
    let at = 0;
    for (const page of pages) {
      const length = answer.readUInt32LE(at);
      this.#blocks.set(key(page), answer.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
  }

  override compress(source: Uint8Array, sourceStart: number, length: number, target: Uint8Array, targetStart: number): number {
    const block = this.#blocks.get(key(source.subarray(sourceStart, sourceStart + length)));
    if (block === undefined) throw new Error('Cannot compress a page that is not of the machine');
    if (block.length >= length) return 0;
    target.set(block, targetStart);
    return block.length;
  }
}

const compressProgram = `
import struct, sys, zlib
size = int(sys.argv[1])
while page := sys.stdin.buffer.read(size):
    block = zlib.compress(page, 1)
    sys.stdout.buffer.write(struct.pack('<I', len(block)) + block)
`;

function key(page: Uint8Array): string {
  return deflateSync(page, { level: 1 }).toString('latin1');
}
