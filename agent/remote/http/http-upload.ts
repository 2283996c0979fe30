/**
 * The memory on its way to an HTTP server: one PUT in chunks whose length nobody knows beforehand.
 *
 * When the server renames, it grows under a name that says incomplete. When not, a dump that is not whole ends as a broken connection, without the last
 * chunk: a server must not take that for a file. @source RFC 9112 §8
 */
import { createHash } from 'node:crypto';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { RemoteError, type RemoteFile } from '../remote-store.ts';
import { retrying } from '../retry.ts';
import { unfinished } from '../stored-names.ts';
import { BodyFeed } from './body-feed.ts';
import type { HttpLink } from './http-link.ts';
import { isSuccess, statusError } from './http-status.ts';
import { move, removeFile, sizeOf } from './web-files.ts';

/** @param name the one it has on the server. */
export type OnWhole = (name: string, sent: { readonly sizeBytes: number; readonly sha256: string }) => void;

export type UploadPlace = { readonly folder: string; readonly name: string };

export class HttpUpload implements RemoteFile {
  readonly #link: HttpLink;
  readonly #place: UploadPlace;
  readonly #onWhole: OnWhole;
  readonly #hash = createHash('sha256');
  readonly #abort = new AbortController();
  readonly #feed = new BodyFeed();
  #answer: Promise<HttpAnswer> | undefined;
  #sentBytes = 0;

  private constructor(link: HttpLink, place: UploadPlace, onWhole: OnWhole) {
    this.#link = link;
    this.#place = place;
    this.#onWhole = onWhole;
  }

  /**
   * Resolves when the server asks for the body: what it refuses by name it has refused by then.
   * @param onWhole called when the server has the whole under its name.
   */
  static async begin(link: HttpLink, place: UploadPlace, onWhole: OnWhole): Promise<HttpUpload> {
    return await retrying(link.context, `begin "${place.name}"`, async () => {
      const upload = new HttpUpload(link, place, onWhole);
      if (await upload.#begin({ asksFirst: true })) return upload;
      const unasked = new HttpUpload(link, place, onWhole);
      await unasked.#begin({ asksFirst: false });
      return unasked;
    });
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    if (offset !== this.#sentBytes) throw new RangeError(`Cannot write at ${offset} of a stream: expected ${this.#sentBytes}`);
    if (bytes.length === 0) return;
    this.#hash.update(bytes);
    this.#sentBytes += bytes.length;
    await this.#feed.give(bytes);
  }

  /** There is nothing between the connection and the end of the file that could be asked for. */
  async sync(): Promise<void> {}

  /** @throws RemoteError `remote/unsupported` when it is incomplete and has no name of its own: then nothing of it is left. */
  async finish(complete: boolean): Promise<void> {
    if (!complete && !this.#link.context.canRename) {
      await this.discard();
      const { url } = this;
      throw new RemoteError('remote/unsupported', `Cannot keep an incomplete dump at ${url}: the server does not rename`, {
        where: url,
        hint: 'Let the server take MOVE, and check the target again: kcapture target check URL',
      });
    }
    await this.#end();
    const { folder, name } = this.#place;
    if (this.#link.context.canRename && complete) await move(this.#link, this.url, this.#link.url(folder, name), this.#sentBytes);
    this.#onWhole(complete ? name : name + unfinished, { sizeBytes: this.#sentBytes, sha256: this.#hash.digest('hex') });
  }

  /** @throws RemoteError when something stays that looks like a dump. */
  async discard(): Promise<void> {
    this.#abort.abort();
    this.#feed.fail(new RemoteError('remote/broken', `Cannot write to ${this.url}: it was given up`, { where: this.url }));
    await this.#answer?.catch(() => {});
    const { folder, name } = this.#place;
    await removeFile(this.#link, this.url);
    if (!this.#link.context.canRename) return;
    // A rename that was carried out, though nobody heard of it.
    await removeFile(this.#link, this.#link.url(folder, name));
  }

  /** Where it grows. */
  get url(): string {
    const { folder, name } = this.#place;
    return this.#link.url(folder, this.#link.context.canRename ? name + unfinished : name);
  }

  /** @returns false: the server does not like to be asked beforehand. @throws RemoteError */
  async #begin({ asksFirst }: { readonly asksFirst: boolean }): Promise<boolean> {
    const answer = this.#link.once({
      method: 'PUT',
      url: this.url,
      headers: { 'content-type': 'application/octet-stream', ...(asksFirst ? { expect: '100-continue' } : {}) },
      body: this.#feed,
      signal: this.#abort.signal,
    });
    this.#answer = answer;
    // Whatever ends the request ends what waits for it.
    answer.then(
      (found) => this.#feed.fail(this.#early(found)),
      (error) => this.#feed.fail(error),
    );
    const refusal = await Promise.race([this.#feed.asked, answer]);
    if (refusal === undefined) return true;
    if (refusal.status === 417 && asksFirst) return false;
    throw this.#early(refusal);
  }

  async #end(): Promise<void> {
    this.#feed.end();
    const answer = await this.#answer;
    if (answer === undefined || !isSuccess(answer))
      throw answer === undefined ? this.#broken() : statusError(answer, 'save the memory', this.url);
    if (!this.#feed.isTaken) throw this.#early(answer);
  }

  /** An answer before the end of the body: a refusal, or a server that has not read all. */
  #early(answer: HttpAnswer): RemoteError {
    if (!isSuccess(answer)) return statusError(answer, 'save the memory', this.url);
    return new RemoteError(
      'remote/server',
      `Cannot save the memory at ${this.url}: the server answers ${answer.status} before it has all`,
      {
        where: this.url,
      },
    );
  }

  #broken(): RemoteError {
    return new RemoteError('remote/broken', `Cannot save the memory at ${this.url}: it was not begun`, { where: this.url });
  }
}

/** What an earlier attempt left. A server that does not delete replaces. */
export async function removeLeftOver(link: HttpLink, { folder, name }: UploadPlace): Promise<void> {
  for (const url of [link.url(folder, name + unfinished), link.url(folder, name)]) {
    if ((await sizeOf(link, url)) !== undefined) await removeFile(link, url);
  }
}
