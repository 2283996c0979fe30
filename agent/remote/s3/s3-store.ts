/**
 * One capture's folder in a bucket: `<prefix>/<machine-id>/<capture>/`, with `vmcore-dmesg.txt`, `vmcore.flat`, `manifest.json`, `kcapture.log`.
 *
 * An object is there whole or not at all, so small files need no name that says unfinished.
 */
import { createHash } from 'node:crypto';
import type { RemoteContext, RemoteEntry, RemoteStore } from '../remote-store.ts';
import { checkedName } from '../stored-names.ts';
import { clearLeftovers, unlessRefused } from './clear-leftovers.ts';
import { listObjects } from './list-bucket.ts';
import { putObject, removeObject } from './objects.ts';
import { planParts } from './part-plan.ts';
import { createS3Access, payloadOf, type S3Access } from './s3-access.ts';
import { machineFolder, whereOf } from './s3-names.ts';
import { S3Upload } from './s3-upload.ts';

const mostFiles = 1000;
/** More captures of one machine than any retention keeps. */
const mostCaptures = 10_000;
/** Captures within one second. */
const mostOfOneName = 100;

/** @throws RemoteError: the credentials are wrong, the bucket is not there, … */
export async function openS3Store(context: RemoteContext): Promise<RemoteStore> {
  const access = createS3Access(context);
  const parent = machineFolder(access.place, context.capture.machineId);
  const name = await chooseName(access, parent, context);
  return new S3Store(access, context, { parent, folder: `${parent}${name}/` });
}

/** A second capture within one second gets a number. Credentials that may not list get the name as it is. */
async function chooseName(access: S3Access, parent: string, { capture, adopt, onNote }: RemoteContext): Promise<string> {
  let chosen = capture.name;
  await unlessRefused(onNote, async () => {
    for (let number = 2; number <= mostOfOneName; number++) {
      const { objects } = await listObjects(access, { prefix: `${parent}${chosen}/`, most: 1 });
      if (adopt || objects.length === 0) return;
      chosen = `${capture.name}.${number}`;
    }
  });
  return chosen;
}

class S3Store implements RemoteStore {
  readonly where: string;
  readonly seekable = false;
  readonly #access: S3Access;
  readonly #context: RemoteContext;
  readonly #parent: string;
  readonly #folder: string;
  readonly #sums = new Map<string, string>();
  #upload: S3Upload | undefined;

  constructor(access: S3Access, context: RemoteContext, { parent, folder }: { parent: string; folder: string }) {
    this.#access = access;
    this.#context = context;
    this.#parent = parent;
    this.#folder = folder;
    this.where = whereOf(access.place, folder).replace(/\/$/, '');
  }

  /** No store says. */
  async freeBytes(): Promise<undefined> {}

  async save(name: string, content: Uint8Array): Promise<void> {
    await putObject(this.#access, this.#key(name), payloadOf(content));
    this.#sums.set(name, createHash('sha256').update(content).digest('hex'));
  }

  async remove(name: string): Promise<void> {
    await removeObject(this.#access, this.#key(name));
    this.#sums.delete(name);
  }

  async create(name: string): Promise<S3Upload> {
    await this.#upload?.discard();
    const key = this.#key(name);
    await clearLeftovers(this.#access, { machineFolder: this.#parent, key }, this.#context);
    const onFinished = (finished: string, sha256: string) => this.#sums.set(finished.slice(this.#folder.length), sha256);
    this.#upload = new S3Upload({ access: this.#access, key, plan: planParts(this.#context.limits.bufferBytes), onFinished });
    return this.#upload;
  }

  async list(): Promise<readonly RemoteEntry[]> {
    const { objects } = await listObjects(this.#access, { prefix: this.#folder, most: mostFiles });
    return objects.map(({ key, sizeBytes }) => ({ name: key.slice(this.#folder.length), sizeBytes }));
  }

  /** As it was sent: the store has checked each part of it on arrival. */
  async sha256(name: string): Promise<string | undefined> {
    return this.#sums.get(name);
  }

  async captures(): Promise<readonly string[]> {
    const { folders } = await listObjects(this.#access, { prefix: this.#parent, most: mostCaptures, folders: true });
    return folders.filter((folder) => folder !== this.#folder).map((folder) => folder.slice(this.#parent.length, -1));
  }

  /** An upload that did not come to its end leaves no part. */
  async close(): Promise<void> {
    await this.#upload?.discard();
  }

  #key(name: string): string {
    return this.#folder + checkedName(name);
  }
}
