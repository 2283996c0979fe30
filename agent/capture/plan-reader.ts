/** Takes the members of a plan for what they should be, or says what they are: what lies in an image can be damaged or made by hand. */
import { CaptureError } from './capture-error.ts';

const mostEntries = 4096;
const mostText = 4096;

export class PlanReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  object(value: unknown, where: string): Readonly<Record<string, unknown>> {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.bad(where, kindOf(value), 'an object');
  }

  list(value: unknown, where: string): readonly unknown[] {
    if (Array.isArray(value) && value.length <= mostEntries) return value;
    throw this.bad(where, Array.isArray(value) ? `${value.length} entries` : kindOf(value), `a list of at most ${mostEntries}`);
  }

  text(value: unknown, where: string): string {
    if (typeof value === 'string' && value.length <= mostText && !value.includes('\0')) return value;
    throw this.bad(where, kindOf(value), `a text of at most ${mostText} characters`);
  }

  nonEmpty(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (text !== '') return text;
    throw this.bad(where, 'an empty text', 'something');
  }

  optionalText(value: unknown, where: string): string | undefined {
    return value === undefined || value === null ? undefined : this.text(value, where);
  }

  boolean(value: unknown, where: string): boolean {
    if (typeof value === 'boolean') return value;
    throw this.bad(where, kindOf(value), 'true or false');
  }

  /** A whole number. */
  number(value: unknown, where: string, least: number, most: number): number {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw this.bad(where, typeof value === 'number' ? String(value) : kindOf(value), `a number from ${least} to ${most}`);
  }

  oneOf<const T extends string>(value: unknown, where: string, words: readonly T[]): T {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    throw this.bad(where, typeof value === 'string' ? `"${value.slice(0, 40)}"` : kindOf(value), words.join(', '));
  }

  /** A text of one form. @param wanted in words. */
  like(value: unknown, where: string, form: RegExp, wanted: string): string {
    const text = this.text(value, where);
    if (form.test(text)) return text;
    throw this.bad(where, `"${text.slice(0, 80)}"`, wanted);
  }

  /** Every entry of a list. */
  each<T>(value: unknown, where: string, parse: (entry: unknown, where: string) => T): readonly T[] {
    return this.list(value, where).map((entry, index) => parse(entry, `${where}[${index}]`));
  }

  absolute(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (text.startsWith('/') && !text.split('/').includes('..')) return text;
    throw this.bad(where, `"${text.slice(0, 80)}"`, 'an absolute path without ".."');
  }

  /** What becomes an argument of a program: never an option, never a path to elsewhere. */
  word(value: unknown, where: string): string {
    const text = this.text(value, where);
    if (/^[A-Za-z0-9_+.:][A-Za-z0-9_+.:-]*$/.test(text) && !text.startsWith('..')) return text;
    throw this.bad(where, `"${text.slice(0, 80)}"`, 'letters, digits and "_+.:-"');
  }

  bad(where: string, found: string, wanted: string, cause?: unknown): CaptureError {
    const member = where === '' ? '' : ` member ${where}`;
    return new CaptureError('capture/bad-plan', `Cannot use${member} of "${this.#path}": found ${found}, expected ${wanted}`, {
      where: this.#path,
      cause,
      hint: 'Make the image anew',
    });
  }
}

function kindOf(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'a list'
      : typeof value === 'string'
        ? `a text of ${value.length} characters`
        : typeof value;
}
