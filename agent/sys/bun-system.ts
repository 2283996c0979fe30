/** The real system: Bun with native libraries. */
import { statfsSync } from 'node:fs';
import { MiB } from '../binary/units.ts';
import { type CodecName, CompressError, type PageCodec } from '../compress/codec.ts';
import { defaultZlibLevel } from '../compress/zlib.ts';
import { defaultZstdLevel } from '../compress/zstd.ts';
import { openBunZstdCodec } from './bun-zstd-codec.ts';
import { openDirectQueue } from './direct-queue.ts';
import { createFileSink } from './file-sink.ts';
import { fileEffects } from './files.ts';
import { freeMemory } from './free-memory.ts';
import { createKernelCalls, forgetCached } from './kernel-calls.ts';
import { NativeError, waitUntilWritable } from './libc.ts';
import { watchInterrupts } from './interrupts.ts';
import { openLzoCodec } from './lzo-codec.ts';
import { createFiles } from './machine-files.ts';
import { createPrograms } from './machine-programs.ts';
import { openMmapFile } from './mmap-file.ts';
import { createNetwork } from './network.ts';
import { postJson } from './post-json.ts';
import { openPreadFile } from './pread-file.ts';
import { runByPipes } from './run-by-pipes.ts';
import { openSnappyCodec } from './snappy-codec.ts';
import { createStreamSink, printErrorText, printTo } from './stdout-sink.ts';
import type { System } from './system.ts';
import { openThread } from './thread.ts';
import { openZipArchive } from './zip-member.ts';
import { startWorkers } from './workers.ts';
import { beginWriting } from './write-behind.ts';
import { openZlibCodec } from './zlib-codec.ts';
import { openZstdCodec } from './zstd-codec.ts';

/**
 * Each move of a window makes the processor forget its translations, and here nothing is read that is not looked at: a dump in an emulated
 * capture kernel took a tenth less time with 4 MiB than with 256 KiB.
 */
const kernelWindowBytes = 4 * MiB;

export function createBunSystem(): System {
  return {
    ...fileEffects,
    openFile: (path, { mmap = true } = {}) => {
      if (mmap && isKernelFile(path)) return openMmapFile(path, kernelWindowBytes);
      return mmap === 'always' ? openMmapFile(path) : openPreadFile(path);
    },
    openArchive: (path) => openZipArchive(path, (file) => openMmapFile(file)),
    openCodec,
    createFile: (path, options) => createFileSink(path, options, { beginWriting, openQueue: openDirectQueue }),
    startWorkers,
    freeMemory,
    watchInterrupts,
    openThread: (task) => openThread(Bun.main, task),
    standardOutput: () => createStreamSink(1, 'standard output', waitUntilWritable),
    print: (text) => printTo(1, 'standard output', text, waitUntilWritable),
    printError: (text) => printErrorText(text, waitUntilWritable),
    files: createFiles({ forgetCached }),
    programs: createPrograms(runByPipes),
    kernel: createKernelCalls(),
    network: createNetwork(),
    executablePath: process.execPath,
    environment: (name) => process.env[name],
    postJson,
  };
}

/** @source linux/magic.h, PROC_SUPER_MAGIC */
function isKernelFile(path: string): boolean {
  try {
    return statfsSync(path).type === 0x9fa0;
  } catch {
    return false;
  }
}

/** Without its embedded library zstd still has Bun's own; the other codecs are missing then. */
function openCodec(name: CodecName, level?: number): PageCodec {
  try {
    if (name === 'lzo') return openLzoCodec();
    if (name === 'snappy') return openSnappyCodec();
    if (name === 'zlib') return openZlibCodec(level ?? defaultZlibLevel);
    return openZstdCodec(level ?? defaultZstdLevel);
  } catch (error) {
    if (!(error instanceof NativeError)) throw error;
    if (name === 'zstd') return openBunZstdCodec(level ?? defaultZstdLevel);
    throw new CompressError('compress/unavailable', `Cannot use ${name}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
