/**
 * The network thread: holds one place on a server and does there what the run asks for, in messages.
 *
 * It never throws and never ends by itself before `close`; its heartbeat tells that its event loop turns.
 */
import type { System } from '../sys/system.ts';
import type { ThreadPort } from '../sys/thread-interface.ts';
import { readCredentials } from './read-credentials.ts';
import { RemoteExchange } from './remote-exchange.ts';
import {
  packError,
  type RemoteAnswer,
  type RemoteCall,
  type RemoteOpened,
  type RemoteRequest,
  type RemoteTask,
} from './remote-messages.ts';
import { type RemoteContext, RemoteError, type RemoteFile, type RemoteStore } from './remote-store.ts';
import { checkSlotWrite, RemoteWrites, type RemoteWritesOptions } from './remote-writes.ts';

const heartbeatMs = 1000;

export type RemoteSystem = Pick<System, 'files' | 'kernel' | 'network' | 'freeMemory'>;

/** @param open the protocols; see `openRemoteStore`. */
export function runRemoteThread(
  system: RemoteSystem,
  port: ThreadPort,
  task: RemoteTask,
  open: (context: RemoteContext) => Promise<RemoteStore>,
): void {
  const exchange = new RemoteExchange(task.shared);
  const post = (answer: RemoteAnswer) => {
    port.post(answer);
    exchange.tell();
  };
  const context = () => contextOf(system, task, exchange, (sentence) => post({ kind: 'note', sentence }));
  const desk = new RemoteDesk(() => open(context()), exchange, {
    onFailure: (error) => post({ kind: 'failed', error: packError(error) }),
    onTidy: () => system.freeMemory(),
  });
  const heart = setInterval(() => exchange.beat(), heartbeatMs);
  const leave = () => {
    clearInterval(heart);
    port.close();
  };
  exchange.beat();
  port.onMessage((message) => {
    const request = message as RemoteRequest;
    if (request.call === 'write') return desk.write(request);
    const answered = desk.handle(request).then(
      (value) => post({ kind: 'answer', id: request.id, value }),
      (error) => post({ kind: 'error', id: request.id, error: packError(error) }),
    );
    if (request.call === 'close') void answered.finally(leave);
  });
}

function contextOf(
  { files, kernel, network }: RemoteSystem,
  { place, addresses, credentials, canRename, capture, adopt, limits }: RemoteTask,
  exchange: RemoteExchange,
  onNote: (sentence: string) => void,
): RemoteContext {
  return {
    network,
    place,
    addresses,
    credentials: readCredentials(files, credentials, onNote),
    canRename,
    capture,
    adopt,
    limits,
    wallClockMs: () => kernel.wallClockMs(),
    onNote,
    onProgress: () => exchange.noteProgress(),
  };
}

type DeskEvents = Omit<RemoteWritesOptions, 'seekable'>;

/**
 * One call after another: a caller that gave up waiting for one may send the next, which has to find the file as the one before has left it. Only what breaks
 * off does not wait. Writes are not calls; they stand in a line of their own.
 */
class RemoteDesk {
  readonly #open: () => Promise<RemoteStore>;
  readonly #exchange: RemoteExchange;
  readonly #events: DeskEvents;
  #store: RemoteStore | undefined;
  #file: RemoteFile | undefined;
  #writes: RemoteWrites | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: () => Promise<RemoteStore>, exchange: RemoteExchange, events: DeskEvents) {
    this.#open = open;
    this.#exchange = exchange;
    this.#events = events;
  }

  write(request: { readonly slot: number; readonly offset: number; readonly length: number }): void {
    checkSlotWrite(request);
    if (this.#writes === undefined) this.#exchange.freeSlot(request.slot);
    else this.#writes.add(request);
  }

  handle(request: RemoteCall): Promise<unknown> {
    if (request.call === 'discard' || request.call === 'close') return this.#carryOut(request);
    const answer = this.#last.then(() => this.#carryOut(request));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #carryOut(request: RemoteCall): Promise<unknown> {
    if (request.call === 'open') return await this.#begin();
    const store = this.#store;
    if (store === undefined) throw new RemoteError('remote/broken', 'Cannot use a place on a server that was not opened');
    switch (request.call) {
      case 'freeBytes':
        return await store.freeBytes();
      case 'save':
        return await store.save(request.name, request.content);
      case 'remove':
        return await store.remove(request.name);
      case 'list':
        return await store.list();
      case 'sha256':
        return await store.sha256(request.name);
      case 'captures':
        return await store.captures();
      case 'create':
        return await this.#create(store, request.name);
      case 'sync':
        return await this.#sync();
      case 'finish':
        return await this.#finish(request.complete);
      case 'discard':
        return await this.#discard();
      case 'close':
        return await store.close();
    }
  }

  async #begin(): Promise<RemoteOpened> {
    this.#store = await this.#open();
    const { where, seekable } = this.#store;
    return { where, seekable };
  }

  async #create(store: RemoteStore, name: string): Promise<void> {
    await this.#discard();
    this.#file = await store.create(name);
    this.#writes = new RemoteWrites(this.#file, this.#exchange, { ...this.#events, seekable: store.seekable });
  }

  async #sync(): Promise<void> {
    const file = this.#requireFile();
    await this.#writes?.settle();
    await file.sync();
  }

  /** A file that is to be whole has all its bytes; one that is not keeps what has arrived. */
  async #finish(complete: boolean): Promise<void> {
    if (complete) {
      const file = this.#requireFile();
      await this.#writes?.settle();
      await file.finish(true);
    } else {
      await this.#writes?.settle().catch(() => {});
      await this.#file?.finish(false);
    }
    this.#file = undefined;
    this.#writes = undefined;
  }

  #requireFile(): RemoteFile {
    if (this.#file !== undefined) return this.#file;
    throw new RemoteError('remote/broken', 'Cannot go on with a file on a server: none was begun');
  }

  async #discard(): Promise<void> {
    const file = this.#file;
    this.#writes?.abandon();
    this.#file = undefined;
    this.#writes = undefined;
    await file?.discard();
  }
}
