/** Ends what attempts before this one have begun and left: uploads, which are paid for and never seen, and the objects of the same name. */
import { RemoteError, type RemoteContext } from '../remote-store.ts';
import { unfinished } from '../stored-names.ts';
import { gatheredSuffix } from './gathered-part.ts';
import { listObjects, listUploads } from './list-bucket.ts';
import { abortUpload } from './multipart-upload.ts';
import { removeObject } from './objects.ts';
import type { S3Access } from './s3-access.ts';

/** No capture takes longer: an older upload of this machine belongs to an agent that died. */
const oldMs = 24 * 60 * 60 * 1000;
const mostLeftovers = 1000;

export type Leftovers = {
  /** Of the machine; uploads below it that are old are ended. */
  readonly machineFolder: string;
  /** What is about to be written: uploads to it are ended whatever their age, and objects go. */
  readonly key: string;
};

/** Credentials that may only write leave them there, with a note. @throws RemoteError */
export async function clearLeftovers(
  access: S3Access,
  { machineFolder, key }: Leftovers,
  { wallClockMs, onNote }: Pick<RemoteContext, 'wallClockMs' | 'onNote'>,
): Promise<void> {
  await unlessRefused(onNote, async () => {
    const oldBeforeMs = wallClockMs() - oldMs;
    const uploads = await listUploads(access, machineFolder, mostLeftovers);
    for (const upload of uploads) {
      if (isOf(upload.key, key) || upload.initiatedMs < oldBeforeMs) await abortUpload(access, upload.key, upload.id);
    }
  });
  await unlessRefused(onNote, async () => {
    const { objects } = await listObjects(access, { prefix: key, most: mostLeftovers });
    for (const object of objects) if (isOf(object.key, key)) await removeObject(access, object.key);
  });
}

function isOf(found: string, key: string): boolean {
  return found === key || found === key + unfinished || (found.startsWith(key + gatheredSuffix) && /^\d{5}$/.test(found.slice(-5)));
}

/** What the store does not know or does not allow is no reason to save nothing. */
export async function unlessRefused(onNote: (sentence: string) => void, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof RemoteError) || !['remote/forbidden', 'remote/unsupported'].includes(error.code)) throw error;
    onNote(error.message);
  }
}
