/** The executable's second program: a thread that compresses pages. It holds nothing else, because each such thread loads it anew. */
import { type PageWorkerTask, runPageWorker } from './dump/page-team.ts';
import { openCodec } from './sys/open-codec.ts';
import { openMemoryFile } from './sys/open-memory-file.ts';
import { workerTask } from './sys/workers.ts';

runPageWorker({ openFile: openMemoryFile, openCodec }, workerTask as PageWorkerTask);
