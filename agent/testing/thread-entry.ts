/** What a thread of a test does, in place of `main.ts`: the network thread, with one place more than the product has. */
import { workerData } from 'node:worker_threads';
import { openRemoteStore } from '../remote/open-remote.ts';
import { isRemoteTask } from '../remote/remote-messages.ts';
import { runRemoteThread } from '../remote/remote-thread.ts';
import { isThreadStart, joinThread } from '../sys/thread.ts';
import { openFolderRemote } from './folder-remote.ts';
import { createNodeSystem } from './node-system.ts';

if (isThreadStart(workerData) && isRemoteTask(workerData.threadTask)) {
  const port = joinThread(workerData);
  const { place } = workerData.threadTask;
  const isFolder = place.kind === 'http' && place.host === 'folder';
  runRemoteThread(await createNodeSystem(), port, workerData.threadTask, isFolder ? openFolderRemote : openRemoteStore);
}
