/**
 * The run's side of the network thread: calls that block until they are answered, and bytes that travel while the run goes on compressing.
 *
 * Comes in: what to do on the server. Goes out: the answer, or a RemoteError. Nothing here waits for ever: a thread that is dead, mute, or beyond every limit it was
 * given is given up, and with it the place: each later call fails at once with the same reason.
 */
import { RemoteExchange, slotBytes } from '../../remote/remote-exchange.ts';
import { type RemoteAnswer, type RemoteCall, type RemoteTask, unpackError } from '../../remote/remote-messages.ts';
import { RemoteError } from '../../remote/remote-store.ts';
import type { System } from '../../sys/system.ts';
import type { Thread } from '../../sys/thread-interface.ts';

export type RemoteClientOptions = {
  /** While it waits, some times a second. May throw to end the wait. */
  readonly onWait: () => void;
  readonly onNote: (sentence: string) => void;
};

/** Waits are cut into slices of this length. */
const sliceMs = 250;
/** The thread's heart beats every second, and starting it may take a slow machine a while. */
const mostSilentMs = 60_000;
/** Of one call, though bytes move all the time. */
const longestCallMs = 6 * 3600 * 1000;

export class RemoteClient {
  readonly #system: Pick<System, 'now'>;
  readonly #exchange = new RemoteExchange();
  readonly #thread: Thread;
  readonly #where: string;
  readonly #options: RemoteClientOptions;
  readonly #answers = new Map<number, RemoteAnswer>();
  /** Without progress. */
  #patienceMs: number;
  /** On the clock of `system.now()`. */
  #endsAt = Number.POSITIVE_INFINITY;
  #lastId = 0;
  #failure: RemoteError | undefined;
  #lost: RemoteError | undefined;
  #heartbeats = -1;
  #heardAt: number;

  /** @param where of the place, for messages. */
  constructor(
    system: Pick<System, 'now' | 'openThread'>,
    task: Omit<RemoteTask, 'kind' | 'shared'>,
    where: string,
    options: RemoteClientOptions,
  ) {
    const { connectMs, stallMs, retryMs } = task.limits;
    this.#system = system;
    this.#where = where;
    this.#options = options;
    // The last attempt may begin when the time for attempts is nearly over; as much again before the thread itself is given up.
    this.#patienceMs = retryMs + 2 * (connectMs + stallMs);
    this.#heardAt = system.now();
    this.#thread = system.openThread({ ...task, kind: 'remote', shared: this.#exchange.shared } satisfies RemoteTask);
  }

  /** @throws RemoteError as the protocol says, or `remote/stalled` for a thread that does not answer. */
  call(request: RemoteCall): unknown {
    const id = ++this.#lastId;
    this.#requireThread();
    this.#thread.post({ ...request, id });
    this.#waitUntil(() => this.#answers.has(id), request.call);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (answer?.kind === 'error') throw unpackError(answer.error);
    return answer?.kind === 'answer' ? answer.value : undefined;
  }

  /** Waits for room. @returns the number of a slot to fill, for `send`. @throws RemoteError what a write before came to, too. */
  takeSlot(): number {
    let slot: number | undefined;
    this.#requireThread();
    this.#waitUntil(() => {
      slot = this.#failure === undefined ? this.#exchange.takeSlot() : undefined;
      return slot !== undefined || this.#failure !== undefined;
    }, 'write');
    if (slot === undefined) throw this.#failure;
    return slot;
  }

  slot(index: number): Uint8Array {
    return this.#exchange.slot(index);
  }

  static readonly slotBytes = slotBytes;

  /** Does not wait: what comes of it is told by the next call. */
  send(slot: number, offset: number, length: number): void {
    this.#thread.post({ call: 'write', slot, offset, length });
  }

  /** The slot was not needed. */
  giveBack(slot: number): void {
    this.#exchange.freeSlot(slot);
  }

  /** A new file begins. What is told of the one before comes ahead of the answer, and no longer counts. @throws RemoteError */
  create(name: string): void {
    this.call({ call: 'create', name });
    this.#failure = undefined;
  }

  /** The server has failed already: from now on a call gets no more than this without progress. */
  limitPatience(milliseconds: number): void {
    this.#patienceMs = Math.min(this.#patienceMs, milliseconds);
  }

  /** Whatever is left to do has to be done within this. */
  limitTime(milliseconds: number): void {
    this.#endsAt = Math.min(this.#endsAt, this.#system.now() + milliseconds);
  }

  end(): void {
    this.#lost ??= new RemoteError('remote/broken', `Cannot use "${this.#where}": it was let go`, { where: this.#where });
    this.#thread.end();
  }

  #requireThread(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  #waitUntil(isDone: () => boolean, call: string): void {
    const startedAt = this.#system.now();
    let progress = this.#exchange.progress;
    let movedAt = startedAt;
    for (;;) {
      // In this order: what a thread did last comes before its end, and whatever happens behind `events` wakes the sleeper.
      const events = this.#exchange.events;
      const { hasEnded } = this.#thread;
      this.#takeMessages();
      if (isDone()) return;
      if (hasEnded) this.#giveUp('the network thread ended by an error');
      const now = this.#system.now();
      if (this.#exchange.progress !== progress) {
        progress = this.#exchange.progress;
        movedAt = now;
      }
      const isOver = now - movedAt >= this.#patienceMs || now - startedAt >= longestCallMs || now >= this.#endsAt;
      if (isOver) this.#giveUp(`"${call}" was not answered within ${Math.round((now - startedAt) / 1000)} s`);
      this.#watchThread(now);
      this.#options.onWait();
      this.#exchange.sleep(events, sliceMs);
    }
  }

  #watchThread(now: number): void {
    const { heartbeats } = this.#exchange;
    if (heartbeats !== this.#heartbeats) {
      this.#heartbeats = heartbeats;
      this.#heardAt = now;
    }
    if (now - this.#heardAt >= mostSilentMs)
      this.#giveUp(`the network thread has been silent for ${Math.round((now - this.#heardAt) / 1000)} s`);
  }

  #giveUp(why: string): never {
    this.#lost = new RemoteError('remote/stalled', `Cannot go on with "${this.#where}": ${why}`, { where: this.#where });
    this.#thread.end();
    throw this.#lost;
  }

  #takeMessages(): void {
    if (this.#lost !== undefined) return;
    for (let message = this.#thread.take(); message !== undefined; message = this.#thread.take()) {
      const answer = message as RemoteAnswer;
      if (answer.kind === 'note') this.#options.onNote(answer.sentence);
      else if (answer.kind === 'failed') this.#failure ??= unpackError(answer.error);
      else this.#answers.set(answer.id, answer);
    }
  }
}
