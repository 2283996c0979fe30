/** What a thread of a test does, in place of `main.ts`: the network thread, with one place more than the product has. */
import { workerData } from 'node:worker_threads';
import { isRemoteTask } from '../remote/remote-messages.ts';
import { runRemoteThread } from '../remote/remote-thread.ts';
import type { Network } from '../sys/network-interface.ts';
import { isThreadStart, joinThread } from '../sys/thread.ts';
import { openFolderRemote } from './folder-remote.ts';
import { createNodeSystem } from './node-system.ts';

if (isThreadStart(workerData) && isRemoteTask(workerData.threadTask)) {
  const port = joinThread(workerData);
  const network = undefined as unknown as Network;
  runRemoteThread({ ...(await createNodeSystem()), network }, port, workerData.threadTask, openFolderRemote);
}
