/**
 * A system whose files lie in memory, for tests that run whole commands thousands of times. What a run reads and writes is counted, and bounded: a
 * run that goes over is stopped by an error that no command catches.
 */
import { type Sink, SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';
import { VmcoreError } from '../vmcore/memory-file.ts';
import { openBytes } from './bytes-file.ts';
import { MemorySink } from './memory-sink.ts';

export type MemorySystem = System & {
  /** What lies in memory, by path. */
  readonly contents: Map<string, Uint8Array>;
  readonly printed: { out: string; error: string };
  /** Forgets all files but those named, what was printed, and what was counted. */
  reset(keep: readonly string[]): void;
};

/** Thrown when a run reads or writes more than any sound run of a small dump would. No `KcaptureError`, so every command fails by it. */
export class TooMuchWork extends Error {}

/** A run on a small file makes hundreds of reads. */
const mostReads = 400_000;
/** The largest file the "disk" takes; beyond, it is full. */
const diskBytes = 96 * 1024 * 1024;

export function createMemorySystem(base: System): MemorySystem {
  const contents = new Map<string, Uint8Array>();
  const printed = { out: '', error: '' };
  let reads = 0;
  const countRead = () => {
    if (++reads > mostReads) throw new TooMuchWork(`More than ${mostReads} reads`);
  };
  return {
    ...base,
    contents,
    printed,
    reset(keep) {
      for (const name of contents.keys()) if (!keep.includes(name)) contents.delete(name);
      printed.out = '';
      printed.error = '';
      reads = 0;
    },
    openFile(path) {
      const content = contents.get(path);
      if (content === undefined || content.length === 0)
        throw new VmcoreError('vmcore/open', `Cannot open "${path}": there is no such file`);
      return openBytes(content, path, countRead);
    },
    createFile(path, { overwrite = false } = {}) {
      if (contents.has(path) && !overwrite) throw new SinkError('sink/exists', `Cannot create "${path}": it exists`);
      contents.set(path, new Uint8Array(0));
      return keepOnClose(contents, path);
    },
    rename(from, to) {
      const content = contents.get(from);
      if (content === undefined) throw new SinkError('sink/io', `Cannot rename "${from}": there is no such file`);
      contents.delete(from);
      contents.set(to, content);
    },
    remove: (path) => void contents.delete(path),
    sameFile: (a, b) => a === b,
    exists: (path) => contents.has(path),
    isBlockDevice: () => false,
    peakMemoryBytes: () => 0,
    print: (text) => {
      printed.out += text;
    },
    printError: (text) => {
      printed.error += text;
    },
  };
}

function keepOnClose(contents: Map<string, Uint8Array>, path: string): Sink {
  const sink = new MemorySink();
  return {
    name: path,
    seekable: true,
    write(offset, bytes) {
      if (offset + bytes.length > diskBytes) throw new SinkError('sink/no-space', `Cannot write "${path}" at ${offset}: no space is left`);
      sink.write(offset, bytes);
    },
    sync() {},
    close: () => {
      contents.set(path, sink.bytes);
    },
  };
}
