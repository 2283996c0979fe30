/** A Node system whose prints can be read back, with a folder of its own, and with as much room on its disk as a test wants. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Sink, SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';
import { createNodeSystem } from './node-system.ts';

export type CapturedSystem = System & {
  /** What was printed so far. */
  readonly printed: { out: string; error: string };
  /** Bytes a file may hold before `sink/no-space`. */
  roomBytes: number;
  readonly folder: string;
  /** Writes a file into the folder and returns its path. */
  put(name: string, bytes: Uint8Array): string;
  /** A path in the folder. */
  path(name: string): string;
  removeFolder(): void;
};

export async function createCapturedSystem(): Promise<CapturedSystem> {
  const node = await createNodeSystem();
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  const printed = { out: '', error: '' };
  const system: CapturedSystem = {
    ...node,
    printed,
    folder,
    roomBytes: Number.POSITIVE_INFINITY,
    createFile: (path, options) => limitSink(node.createFile(path, options), () => system.roomBytes),
    print: (text) => {
      printed.out += text;
    },
    printError: (text) => {
      printed.error += text;
    },
    put(name, bytes) {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    },
    path: (name) => join(folder, name),
    removeFolder: () => rmSync(folder, { recursive: true, force: true }),
  };
  return system;
}

/** A full disk takes what fits, then says so. */
function limitSink(sink: Sink, room: () => number): Sink {
  return {
    name: sink.name,
    seekable: sink.seekable,
    write(offset, bytes) {
      const fits = Math.max(0, Math.min(bytes.length, room() - offset));
      if (fits > 0) sink.write(offset, bytes.subarray(0, fits));
      if (fits < bytes.length) throw new SinkError('sink/no-space', `Cannot write to "${sink.name}": no space left`, { where: sink.name });
    },
    sync: () => sink.sync(),
    close: () => sink.close(),
  };
}
