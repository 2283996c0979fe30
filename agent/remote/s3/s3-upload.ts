/**
 * A stream of unknown length on its way into an object. Comes in: bytes, one after another. Goes out: the object, or nothing.
 *
 * What fits into one part is put at once; more becomes a multipart upload, whose parts are as large as `part-plan.ts` says. Each part stays in memory until the store
 * has acknowledged it.
 */
import { createHash } from 'node:crypto';
import { RemoteError, type RemoteFile } from '../remote-store.ts';
import { unfinished } from '../stored-names.ts';
import { copyObject } from './copy-object.ts';
import { GatheredPart } from './gathered-part.ts';
import { MultipartUpload } from './multipart-upload.ts';
import { putObject, removeObject } from './objects.ts';
import { type PartBuffer, PartBuffers } from './part-buffers.ts';
import { isGathered, mostParts, type PartPlan } from './part-plan.ts';
import { PartsUnderWay } from './parts-under-way.ts';
import type { S3Access } from './s3-access.ts';
import { whereOf } from './s3-names.ts';

/** One fills while the other is on its way. */
const bufferCount = 2;

export type S3UploadRequest = {
  readonly access: S3Access;
  readonly key: string;
  readonly plan: PartPlan;
  /** Called when the object is there. @param sha256 of all bytes, lower-case hexadecimal */
  readonly onFinished: (key: string, sha256: string) => void;
};

export class S3Upload implements RemoteFile {
  readonly #request: S3UploadRequest;
  readonly #buffers: PartBuffers;
  readonly #sending = new PartsUnderWay();
  readonly #sha256 = createHash('sha256');
  #position = 0;
  /** Of the part that fills; from 1 on. */
  #number = 1;
  #filling: PartBuffer | undefined;
  #upload: MultipartUpload | undefined;
  #gathered: GatheredPart | undefined;
  #isEnded = false;

  constructor(request: S3UploadRequest) {
    this.#request = request;
    this.#buffers = new PartBuffers(request.plan.bufferBytes, bufferCount);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    this.#check(offset);
    for (let at = 0; at < bytes.length; ) {
      this.#filling ??= await this.#buffers.take();
      this.#sending.check();
      at += this.#filling.add(bytes.subarray(at));
      if (this.#filling.isFull) await this.#sendPart();
    }
    this.#sha256.update(bytes);
    this.#position += bytes.length;
  }

  /** What does not fill a part yet waits here: a store takes small parts at the end only. */
  async sync(): Promise<void> {
    await this.#sending.settle();
  }

  async finish(complete: boolean): Promise<void> {
    const { key } = this.#request;
    const name = complete ? key : key + unfinished;
    if (this.#upload === undefined) await this.#putWhole(name);
    else await this.#completeParts(this.#upload);
    if (!complete && this.#upload !== undefined) await this.#rename(key, name);
    this.#isEnded = true;
    this.#request.onFinished(name, this.#sha256.digest('hex'));
  }

  /** Also what came to be under the name of a whole object while its answer was lost. */
  async discard(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const ended = await Promise.allSettled([this.#gathered?.discard(), this.#upload?.abort()]);
    await this.#sending.settle().catch(() => {});
    this.#filling?.giveBack();
    this.#filling = undefined;
    for (const each of ended) if (each.status === 'rejected') throw each.reason;
    if (this.#upload !== undefined) await removeObject(this.#request.access, this.#request.key);
  }

  #check(offset: number): void {
    const { access, key } = this.#request;
    const where = whereOf(access.place, key);
    if (this.#isEnded) throw new RemoteError('remote/unsupported', `Cannot write to ${where}: it is ended`, { where });
    if (offset !== this.#position)
      throw new RemoteError('remote/unsupported', `Cannot write to ${where} at ${offset}: expected ${this.#position}, it is a stream`, {
        where,
      });
    this.#sending.check();
  }

  /** The part that is full goes on its way; this waits for room, not for the store. */
  async #sendPart(): Promise<void> {
    const { access, key, plan } = this.#request;
    if (this.#number > mostParts) {
      throw new RemoteError(
        'remote/too-large',
        `Cannot go on with ${whereOf(access.place, key)}: it has ${mostParts} parts, more it cannot have`,
      );
    }
    this.#upload ??= await MultipartUpload.begin(access, key);
    if (!isGathered(plan, this.#number)) {
      this.#send(this.#upload, this.#number++);
      return;
    }
    this.#gathered ??= await GatheredPart.begin(access, this.#upload, this.#number);
    this.#send(this.#gathered.upload, this.#gathered.nextPiece());
    if (this.#gathered.pieces === plan.pieces) await this.#endGathered();
  }

  #send(upload: MultipartUpload, number: number): void {
    const part = this.#filling;
    this.#filling = undefined;
    if (part === undefined) return;
    this.#sending.add(upload.put(number, part.seal()).finally(() => part.giveBack()));
  }

  async #endGathered(): Promise<void> {
    await this.#sending.settle();
    await this.#gathered?.end();
    this.#gathered = undefined;
    this.#number++;
  }

  async #putWhole(key: string): Promise<void> {
    const part = this.#filling ?? (await this.#buffers.take());
    this.#filling = undefined;
    try {
      await putObject(this.#request.access, key, part.seal());
    } finally {
      part.giveBack();
    }
  }

  async #completeParts(upload: MultipartUpload): Promise<void> {
    if (this.#filling !== undefined && this.#filling.length > 0) {
      if (this.#gathered === undefined) this.#send(upload, this.#number++);
      else this.#send(this.#gathered.upload, this.#gathered.nextPiece());
    }
    await this.#sending.settle();
    if (this.#gathered !== undefined) await this.#endGathered();
    await upload.complete();
  }

  /** An object that is not whole does not keep the name of one that is, whatever becomes of the copy. */
  async #rename(from: string, to: string): Promise<void> {
    const { access } = this.#request;
    try {
      await copyObject(access, { from, to, sizeBytes: this.#position });
    } finally {
      await removeObject(access, from);
    }
  }
}
