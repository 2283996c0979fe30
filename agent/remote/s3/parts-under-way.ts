/** Parts that are being sent at the same time: the first failure is kept and told to whoever asks next. */
export class PartsUnderWay {
  readonly #sending = new Set<Promise<void>>();
  #failure: { readonly reason: unknown } | undefined;

  add(part: Promise<void>): void {
    const settled = part.then(
      () => {},
      (reason) => {
        this.#failure ??= { reason };
      },
    );
    this.#sending.add(settled);
    void settled.then(() => this.#sending.delete(settled));
  }

  /** @throws what the first part to fail threw. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Waits for all of them. @throws as `check` */
  async settle(): Promise<void> {
    await Promise.all(this.#sending);
    this.check();
  }
}
