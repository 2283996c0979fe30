/** The body of a request whose pieces come one by one: each is held until the connection has taken it. */

type Piece = { readonly bytes: Uint8Array; readonly done: () => void; readonly fail: (error: unknown) => void };

export class BodyFeed implements AsyncIterable<Uint8Array> {
  /** Resolves when the body is asked for. */
  readonly asked: Promise<void>;
  #onAsked: () => void = () => {};
  #piece: Piece | undefined;
  #wake: () => void = () => {};
  #failure: { readonly error: unknown } | undefined;
  #ended = false;
  #taken = false;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#onAsked = resolve;
    });
  }

  /** True when all of it was taken, to its end. */
  get isTaken(): boolean {
    return this.#taken;
  }

  /** Resolves when the bytes may be reused. @throws what the feed failed with. */
  async give(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#piece !== undefined || this.#ended) throw new RangeError('Cannot give a piece of a body: the one before is still on its way');
    await new Promise<void>((done, fail) => {
      this.#piece = { bytes, done, fail };
      this.#wake();
    });
  }

  /** No more comes. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Nobody takes any more. The first reason holds. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    const piece = this.#piece;
    this.#piece = undefined;
    piece?.fail(this.#failure.error);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#onAsked();
    while (this.#failure === undefined) {
      const piece = this.#piece;
      if (piece !== undefined) {
        yield piece.bytes;
        this.#piece = undefined;
        piece.done();
      } else if (this.#ended) {
        this.#taken = true;
        return;
      } else {
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
    // An iteration that ended well would become a body that ended well.
    throw this.#failure.error;
  }
}
