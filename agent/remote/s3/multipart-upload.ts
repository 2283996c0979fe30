/**
 * One multipart upload of one key: nothing is to be seen under the key until `complete`, and nothing stays after `abort`.
 *
 * @source Amazon S3 API Reference: CreateMultipartUpload, UploadPart, UploadPartCopy, CompleteMultipartUpload, AbortMultipartUpload
 */
import { encodeText } from '../../binary/text.ts';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { type Payload, payloadOf, type S3Access } from './s3-access.ts';
import { S3Error } from './s3-error.ts';
import { copySource } from './s3-names.ts';
import { objectBytes } from './objects.ts';
import { escapeXml, readXml, textOf, XmlError } from './xml.ts';

/** Bytes `start` to `end` (not included) of another object. */
export type CopiedRange = { readonly from: string; readonly start: number; readonly end: number };

export class MultipartUpload {
  readonly key: string;
  readonly #access: S3Access;
  readonly #id: string;
  readonly #etags = new Map<number, string>();
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  #sizeBytes = 0;
  #state: 'open' | 'completed' | 'aborted' = 'open';

  private constructor(access: S3Access, key: string, id: string) {
    this.#access = access;
    this.key = key;
    this.#id = id;
  }

  /** @throws RemoteError */
  static async begin(access: S3Access, key: string): Promise<MultipartUpload> {
    const id = await access.ask({ what: 'begin an upload', method: 'POST', key, query: { uploads: '' } }, readUploadId);
    return new MultipartUpload(access, key, id);
  }

  /** Of the parts that are there. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** @param number from 1 on. `payload.bytes` must stay as they are until it resolves. @throws RemoteError */
  put(number: number, payload: Payload): Promise<void> {
    const request = { what: `upload part ${number}`, method: 'PUT' as const, payload, query: this.#query(number) };
    return this.#part(number, payload.bytes.length, () =>
      this.#access.ask({ ...request, key: this.key, signal: this.#ended.signal }, readEtag),
    );
  }

  /** The store copies it from another object in the bucket. @throws RemoteError */
  copy(number: number, { from, start, end }: CopiedRange): Promise<void> {
    const headers = { 'x-amz-copy-source': copySource(this.#access.place, from), 'x-amz-copy-source-range': `bytes=${start}-${end - 1}` };
    const request = { what: `copy part ${number}`, method: 'PUT' as const, headers, query: this.#query(number), lateError: true };
    return this.#part(number, end - start, () =>
      this.#access.ask({ ...request, key: this.key, signal: this.#ended.signal }, readCopiedEtag),
    );
  }

  /** The object appears, in the order of the parts' numbers. @throws RemoteError */
  async complete(): Promise<void> {
    const numbers = [...this.#etags].sort(([a], [b]) => a - b);
    const parts = numbers.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`);
    const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
    const request = { what: 'complete the upload', method: 'POST' as const, key: this.key, query: { uploadId: this.#id } };
    try {
      await this.#access.ask({ ...request, payload: payloadOf(encodeText(body)), lateError: true }, readCompleted);
    } catch (error) {
      if (!(await this.#wasCompleted(error))) throw error;
    }
    this.#state = 'completed';
  }

  /** No part stays. Nothing happens when it is ended already. @throws RemoteError */
  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#ended.abort(new Error('the upload was given up'));
    await Promise.allSettled(this.#underWay);
    await abortUpload(this.#access, this.key, this.#id);
    this.#state = 'aborted';
  }

  async #part(number: number, sizeBytes: number, send: () => Promise<string>): Promise<void> {
    const sending = send().then((etag) => {
      this.#etags.set(number, etag);
      this.#sizeBytes += sizeBytes;
    });
    this.#underWay.add(sending);
    try {
      await sending;
    } finally {
      this.#underWay.delete(sending);
    }
  }

  #query(number: number) {
    return { partNumber: `${number}`, uploadId: this.#id };
  }

  /** An answer that got lost on its way makes the second attempt find no upload. */
  async #wasCompleted(error: unknown): Promise<boolean> {
    if (!(error instanceof S3Error) || error.s3Code !== 'NoSuchUpload') return false;
    return (await objectBytes(this.#access, this.key)) === this.#sizeBytes;
  }
}

/** @throws RemoteError; none when there is no such upload (any more). */
export async function abortUpload(access: S3Access, key: string, id: string): Promise<void> {
  try {
    await access.tell({ what: 'give up an upload', method: 'DELETE', key, query: { uploadId: id } });
  } catch (error) {
    if (!(error instanceof S3Error) || error.s3Code !== 'NoSuchUpload') throw error;
  }
}

function readUploadId({ body }: HttpAnswer): string {
  const id = textOf(readXml(body), 'UploadId');
  if (id === undefined || !/^[\x21-\x7e]{1,1024}$/.test(id))
    throw new XmlError('xml/bad', 'Cannot read the answer: expected the name of an upload');
  return id;
}

function readEtag({ headers }: HttpAnswer): string {
  return checkEtag(headers.etag);
}

function readCopiedEtag({ body }: HttpAnswer): string {
  return checkEtag(textOf(readXml(body), 'ETag'));
}

function readCompleted({ body }: HttpAnswer): void {
  if (readXml(body).name !== 'CompleteMultipartUploadResult')
    throw new XmlError('xml/bad', 'Cannot read the answer: expected that the upload is complete');
}

function checkEtag(etag: string | undefined): string {
  if (etag === undefined || !/^[\x21-\x7e]{1,200}$/.test(etag))
    throw new XmlError('xml/bad', 'Cannot read the answer: expected the tag of a part');
  return etag;
}
