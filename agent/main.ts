/** The executable: a thread of a run under way, or a run: which name was it called by, then `run`. */
import { basename } from 'node:path';
import { isBackgroundTask, runBackgroundTask } from './capture/background.ts';
import { run } from './cli.ts';
import { runAsMakedumpfile } from './makedumpfile/run.ts';
import { openRemoteStore } from './remote/open-remote.ts';
import { isRemoteTask } from './remote/remote-messages.ts';
import { runRemoteThread } from './remote/remote-thread.ts';
import { buildInfo } from './sys/build-info.ts';
import { createBunSystem } from './sys/bun-system.ts';
import { workerPort, workerTask } from './sys/workers.ts';

const system = createBunSystem();
if (isRemoteTask(workerTask) && workerPort !== undefined) runRemoteThread(system, workerPort, workerTask, openRemoteStore);
else if (isBackgroundTask(workerTask)) runBackgroundTask(system, workerTask);
else await main();

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const isMakedumpfile = basename(process.argv0).startsWith('makedumpfile');
  process.exitCode = isMakedumpfile ? runAsMakedumpfile(system, buildInfo.version, words) : await run(system, buildInfo, words);
}
