/**
 * A part that is larger than our memory: uploaded in pieces as an object of its own, which the store copies into the large one. The object is gone
 * afterwards.
 */
import { MultipartUpload } from './multipart-upload.ts';
import { removeObject } from './objects.ts';
import type { S3Access } from './s3-access.ts';

/** Behind the key of the large object; then the number of the part. */
export const gatheredSuffix = '.part-';

export class GatheredPart {
  readonly upload: MultipartUpload;
  readonly #access: S3Access;
  readonly #whole: MultipartUpload;
  readonly #number: number;
  #pieces = 0;

  private constructor(access: S3Access, whole: MultipartUpload, number: number, upload: MultipartUpload) {
    this.#access = access;
    this.#whole = whole;
    this.#number = number;
    this.upload = upload;
  }

  /** @throws RemoteError */
  static async begin(access: S3Access, whole: MultipartUpload, number: number): Promise<GatheredPart> {
    const key = `${whole.key}${gatheredSuffix}${number.toString().padStart(5, '0')}`;
    return new GatheredPart(access, whole, number, await MultipartUpload.begin(access, key));
  }

  /** Those that are on their way or there. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Number of the piece that comes next, from 1 on. */
  nextPiece(): number {
    return ++this.#pieces;
  }

  /** All pieces are there: it becomes a part of the large object. @throws RemoteError */
  async end(): Promise<void> {
    const { key, sizeBytes } = this.upload;
    await this.upload.complete();
    await this.#whole.copy(this.#number, { from: key, start: 0, end: sizeBytes });
    await removeObject(this.#access, key);
  }

  /** Neither pieces nor object stay. @throws RemoteError */
  async discard(): Promise<void> {
    await this.upload.abort();
    await removeObject(this.#access, this.upload.key);
  }
}
