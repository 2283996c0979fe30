/** The real system: Bun with native libraries. */
import { openDirectQueue } from './direct-queue.ts';
import { createFileSink } from './file-sink.ts';
import { fileEffects } from './files.ts';
import { freeMemory } from './free-memory.ts';
import { createKernelCalls, forgetCached } from './kernel-calls.ts';
import { waitUntilWritable } from './libc.ts';
import { watchInterrupts } from './interrupts.ts';
import { createFiles } from './machine-files.ts';
import { createPrograms } from './machine-programs.ts';
import { openMmapFile } from './mmap-file.ts';
import { createNetwork } from './network.ts';
import { openCodec } from './open-codec.ts';
import { openMemoryFile } from './open-memory-file.ts';
import { postJson } from './post-json.ts';
import { runByPipes } from './run-by-pipes.ts';
import { createStreamSink, printErrorText, printTo } from './stdout-sink.ts';
import type { System } from './system.ts';
import { openThread } from './thread.ts';
import { openZipArchive } from './zip-member.ts';
import { startWorkers } from './workers.ts';
import { beginWriting } from './write-behind.ts';

export function createBunSystem(): System {
  return {
    ...fileEffects,
    openFile: openMemoryFile,
    openArchive: (path) => openZipArchive(path, openMmapFile),
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
