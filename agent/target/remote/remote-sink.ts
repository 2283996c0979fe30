/** The memory file on a server, as the dump writes it: bytes that follow one another are gathered in a slot and sent when it is full. */
import { type Sink, SinkError } from '../../sink/sink.ts';
import { RemoteClient } from './remote-client.ts';
import { asSinkError } from './remote-failure.ts';

export type RemoteSinkOptions = {
  readonly name: string;
  readonly seekable: boolean;
  readonly onSent: (offset: number, bytes: number) => void;
};

export class RemoteSink implements Sink {
  readonly name: string;
  readonly seekable: boolean;
  readonly #client: RemoteClient;
  readonly #onSent: (offset: number, bytes: number) => void;
  #slot: number | undefined;
  #slotOffset = 0;
  #fill = 0;
  #closed = false;

  constructor(client: RemoteClient, { name, seekable, onSent }: RemoteSinkOptions) {
    this.#client = client;
    this.name = name;
    this.seekable = seekable;
    this.#onSent = onSent;
  }

  /** @throws SinkError of this write or of one before. */
  write(offset: number, bytes: Uint8Array): void {
    this.#requireOpen();
    if (offset !== this.#slotOffset + this.#fill) this.#seek(offset);
    for (let done = 0; done < bytes.length; ) {
      const slot = this.#openSlot();
      const count = Math.min(bytes.length - done, RemoteClient.slotBytes - this.#fill);
      this.#client.slot(slot).set(bytes.subarray(done, done + count), this.#fill);
      this.#fill += count;
      done += count;
      if (this.#fill === RemoteClient.slotBytes) this.#flush();
    }
  }

  sync(): void {
    this.#requireOpen();
    this.#flush();
    this.#try(() => this.#client.call({ call: 'sync' }));
  }

  /** What was not sent by then is not. */
  close(): void {
    if (this.#slot !== undefined) this.#client.giveBack(this.#slot);
    this.#slot = undefined;
    this.#closed = true;
  }

  #requireOpen(): void {
    if (this.#closed) throw new SinkError('sink/io', `Cannot write "${this.name}": it is closed`, { where: this.name });
  }

  #seek(offset: number): void {
    if (!this.seekable) {
      const at = this.#slotOffset + this.#fill;
      throw new SinkError('sink/io', `Cannot write "${this.name}" at ${offset}: it is a stream, expected ${at}`, { where: this.name });
    }
    this.#flush();
    this.#slotOffset = offset;
  }

  #openSlot(): number {
    this.#slot ??= this.#try(() => this.#client.takeSlot());
    return this.#slot;
  }

  #flush(): void {
    if (this.#slot === undefined || this.#fill === 0) return;
    this.#client.send(this.#slot, this.#slotOffset, this.#fill);
    this.#onSent(this.#slotOffset, this.#fill);
    this.#slot = undefined;
    this.#slotOffset += this.#fill;
    this.#fill = 0;
  }

  #try<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw asSinkError(error, this);
    }
  }
}
