/** The demo's plain text: a line a step, whose name stands there while it runs and whose time follows when it is done. */

const width = 64;

export class DemoScreen {
  #startedAt: number | undefined;

  get isBusy(): boolean {
    return this.#startedAt !== undefined;
  }

  title(text: string): void {
    process.stdout.write(`\n${text}\n${'='.repeat(text.length)}\n`);
  }

  section(text: string): void {
    process.stdout.write(`\n${text}\n`);
  }

  line(text: string): void {
    process.stdout.write(text === '' ? '\n' : `  ${text}\n`);
  }

  /** Text of several lines, set in. */
  text(text: string): void {
    for (const row of text.trimEnd().split('\n')) this.line(row);
  }

  begin(label: string): void {
    this.#startedAt = performance.now();
    process.stdout.write(`  ${`${label} `.padEnd(width, '.')} `);
  }

  /** @param result Stands in the place of the time since `begin`. */
  end(result?: string): void {
    if (this.#startedAt === undefined) return;
    const seconds = (performance.now() - this.#startedAt) / 1000;
    this.#startedAt = undefined;
    process.stdout.write(`${(result ?? `${seconds.toFixed(1)} s`).padStart(8)}\n`);
  }

  /** Runs a step that takes a while. @param work Gives a word on its result. */
  timed(label: string, work: () => string): void {
    this.begin(label);
    const begin = performance.now();
    const result = work();
    this.end(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s   ${result}`);
  }

  fail(message: string): void {
    process.stdout.write(`${this.isBusy ? 'failed\n' : ''}\n${message}\n`);
  }
}
