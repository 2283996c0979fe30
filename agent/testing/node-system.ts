/** A system on Node, for tests: pread files, Node's zlib, zstd in WebAssembly. No native library, so no snappy and no LZO. */
import { type CodecName, CompressError, type PageCodec } from '../compress/codec.ts';
import { createFileSink } from '../sys/file-sink.ts';
import { fileEffects } from '../sys/files.ts';
import { createFiles } from '../sys/machine-files.ts';
import { createPrograms } from '../sys/machine-programs.ts';
import { createNetwork } from '../sys/network.ts';
import { postJson } from '../sys/post-json.ts';
import { openPreadFile } from '../sys/pread-file.ts';
import { createStreamSink, printErrorText, printTo } from '../sys/stdout-sink.ts';
import type { System } from '../sys/system.ts';
import { openZipArchive } from '../sys/zip-member.ts';
import { nodeKernelCalls } from './node-kernel-calls.ts';
import { openNodeThread } from './node-thread.ts';
import { runByNode } from './run-by-node.ts';
import { NodeZlibCodec } from './node-zlib-codec.ts';
import { loadNodeZstd } from './node-zstd-codec.ts';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

export async function createNodeSystem(): Promise<System> {
  const openZstd = await loadNodeZstd();
  const openCodec = (name: CodecName, level?: number): PageCodec => {
    if (name === 'zstd') return openZstd(level);
    if (name === 'zlib') return new NodeZlibCodec();
    const hint = 'Run the built executable.';
    throw new CompressError('compress/unavailable', `Cannot use ${name}: Node has no native libraries`, { hint });
  };
  return {
    ...fileEffects,
    openFile: (path) => openPreadFile(path),
    openArchive: (path) => openZipArchive(path, openPreadFile),
    openCodec,
    createFile: createFileSink,
    startWorkers() {},
    freeMemory() {},
    openThread: openNodeThread,
    // Node hears of signals between two turns of its event loop alone, and a run is within one.
    watchInterrupts: () => () => false,
    standardOutput: () => createStreamSink(1, 'standard output', waitAMoment),
    print: (text) => printTo(1, 'standard output', text, waitAMoment),
    printError: (text) => printErrorText(text, waitAMoment),
    files: createFiles(),
    programs: createPrograms(runByNode),
    kernel: nodeKernelCalls,
    network: createNetwork(),
    executablePath: process.execPath,
    environment: (name) => process.env[name],
    postJson,
  };
}

function waitAMoment(): void {
  Atomics.wait(sleeper, 0, 0, 5);
}
