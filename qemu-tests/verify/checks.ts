/** Collects a scenario's assertions and prints each as a line of TAP. */

export class Checks {
  readonly #prefix: string;
  #passed = 0;
  #failed = 0;

  /** @param prefix Put before each name: the scenario and the kernel. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get passed(): number {
    return this.#passed;
  }

  get failed(): number {
    return this.#failed;
  }

  /** @param detail Printed only when the assertion does not hold. */
  ok(holds: boolean, name: string, detail = ''): void {
    if (holds) this.#passed += 1;
    else this.#failed += 1;
    console.log(`${holds ? 'ok' : 'not ok'} - ${this.#prefix}: ${name}`);
    if (!holds && detail !== '') console.log(detail.replace(/^/gm, '  # '));
  }

  /** Compares by value; both are printed when they differ. */
  equal(found: unknown, expected: unknown, name: string): void {
    const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
    this.ok(left === right, name, `found    ${left}\nexpected ${right}`);
  }

  /** What a scenario measured, for people. */
  note(text: string): void {
    console.log(`# ${this.#prefix}: ${text}`);
  }
}
