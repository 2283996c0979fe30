/**
 * The memory on its way to an ssh server: written anywhere, many pieces under way. When the connection breaks the same file is opened again and what the server
 * has not acknowledged is sent again; what it has acknowledged must still be there.
 */
import { KiB } from '../../binary/units.ts';
import { KcaptureError } from '../../errors.ts';
import type { SshFile, SshSession } from '../../sys/network-interface.ts';
import { type RemoteContext, RemoteError, type RemoteFile } from '../remote-store.ts';
import { unfinished } from '../stored-names.ts';
import { readServerBoot } from './server-boot.ts';
import { syncFolder } from './ssh-folder.ts';
import type { SshLink } from './ssh-link.ts';
import { whileAlive } from './while-alive.ts';

/** What one request of SFTP holds. */
const pieceBytes = 255 * KiB;

type Opened = { readonly session: SshSession; readonly file: Promise<SshFile> };

export class SshUpload implements RemoteFile {
  readonly #link: SshLink;
  readonly #context: RemoteContext;
  readonly #folder: string;
  readonly #path: string;
  #opened: Opened | undefined;
  #boot: string | undefined;
  /** End of the furthest piece that the server has acknowledged. */
  #acknowledgedEnd = 0;
  /** Acknowledged, but perhaps in the server's memory alone. */
  #hasUnsynced = false;
  #lost: RemoteError | undefined;
  #underWayBytes = 0;
  #waiting: (() => void)[] = [];

  private constructor(link: SshLink, context: RemoteContext, folder: string, name: string) {
    this.#link = link;
    this.#context = context;
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
  }

  /** What an earlier attempt left of it goes. */
  static async begin(link: SshLink, context: RemoteContext, folder: string, name: string): Promise<SshUpload> {
    const upload = new SshUpload(link, context, folder, name);
    await link.use(async (session) => {
      const file = await session.open(upload.#path + unfinished, 'create');
      upload.#opened = { session, file: Promise.resolve(file) };
      upload.#boot = await readServerBoot(session);
    });
    return upload;
  }

  /** Writes that are under way together must not overlap. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    const pieces: Promise<void>[] = [];
    for (let start = 0; start < bytes.length; start += pieceBytes)
      pieces.push(this.#send(offset + start, bytes.subarray(start, start + pieceBytes)));
    // All have ended before the caller hears of it: until then the bytes are still read.
    for (const result of await Promise.allSettled(pieces)) if (result.status === 'rejected') throw result.reason;
  }

  async sync(): Promise<void> {
    await this.#use((file) => this.#makeDurable(file));
  }

  async finish(complete: boolean): Promise<void> {
    const partial = this.#path + unfinished;
    await this.#link.use(async (session, attempt) => {
      if (complete && attempt > 1 && (await this.#hasArrived(session))) return;
      const file = await this.#fileOf(session);
      await this.#makeDurable(file);
      this.#opened = undefined;
      await file.close();
      if (!complete) return;
      await session.rename(partial, this.#path);
      await syncFolder(session, this.#folder);
    });
  }

  async discard(): Promise<void> {
    this.#lost ??= new RemoteError('remote/broken', `Cannot write "${this.#path}": it was given up`, { where: this.#path });
    await this.#link.use(async (session) => {
      const opened = this.#opened;
      this.#opened = undefined;
      if (opened?.session === session) await (await opened.file.catch(() => undefined))?.close().catch(() => {});
      await removeIfThere(session, this.#path + unfinished);
    });
  }

  async #makeDurable(file: SshFile): Promise<void> {
    await whileAlive(this.#context.onProgress, file.sync());
    this.#hasUnsynced = false;
  }

  async #send(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#room(bytes.length);
    try {
      await this.#use((file) => file.write(offset, bytes));
      this.#acknowledgedEnd = Math.max(this.#acknowledgedEnd, offset + bytes.length);
      this.#hasUnsynced = true;
      this.#context.onProgress();
    } catch (error) {
      if (error instanceof RemoteError) this.#lost ??= error;
      throw error;
    } finally {
      this.#underWayBytes -= bytes.length;
      for (const wake of this.#waiting.splice(0)) wake();
    }
  }

  /** No more is handed to the connection, which keeps it until it has gone, than the limit says. */
  async #room(length: number): Promise<void> {
    while (this.#underWayBytes > 0 && this.#underWayBytes + length > this.#context.limits.bufferBytes)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWayBytes += length;
  }

  async #use<T>(action: (file: SshFile) => Promise<T>): Promise<T> {
    return await this.#link.use(async (session) => await action(await this.#fileOf(session)));
  }

  /** Those who wait share one opening. */
  async #fileOf(session: SshSession): Promise<SshFile> {
    if (this.#lost !== undefined) throw this.#lost;
    if (this.#opened?.session !== session) this.#opened = { session, file: this.#openAgain(session) };
    return await this.#opened.file;
  }

  async #openAgain(session: SshSession): Promise<SshFile> {
    const path = this.#path + unfinished;
    const status = await session.status(path);
    if (status?.kind !== 'file') throw this.#loss('it is gone');
    if (status.sizeBytes < this.#acknowledgedEnd) throw this.#loss(`it has ${status.sizeBytes} bytes, expected ${this.#acknowledgedEnd}`);
    const before = this.#boot;
    this.#boot = (await readServerBoot(session)) ?? before;
    if (this.#hasUnsynced && before !== undefined && this.#boot !== before)
      throw this.#loss('the server has started anew and may have lost parts');
    return await session.open(path, 'update');
  }

  #loss(found: string): RemoteError {
    return new RemoteError('remote/broken', `Cannot go on with "${this.#path}${unfinished}" on the server: ${found}`, {
      where: this.#path,
    });
  }

  /** The renaming was done before the connection broke. */
  async #hasArrived(session: SshSession): Promise<boolean> {
    if ((await session.status(this.#path + unfinished)) !== undefined) return false;
    return ((await session.status(this.#path))?.sizeBytes ?? -1) >= this.#acknowledgedEnd;
  }
}

export async function removeIfThere(session: SshSession, path: string): Promise<void> {
  try {
    await session.remove(path);
  } catch (error) {
    if (!(error instanceof KcaptureError) || error.code !== 'ssh/missing') throw error;
  }
}
