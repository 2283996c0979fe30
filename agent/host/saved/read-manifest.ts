/**
 * `manifest.json` as it lies in a folder anyone may have written: every field is checked before it is believed.
 *
 * Comes in: text. Goes out: a manifest, or what is wrong with it. Fields this version does not know are dropped.
 */
import type { CaptureStatus, Manifest, ManifestFile } from '../../capture/manifest.ts';
import { KcaptureError } from '../../errors.ts';

/** Codes: `saved/bad-manifest`, `saved/not-found`. */
export class SavedError extends KcaptureError {}

const statuses: readonly CaptureStatus[] = ['complete', 'partial', 'dmesg-only', 'failed'];
/** More than any capture makes. */
const maxEntries = 1000;

/** @throws SavedError `saved/bad-manifest`: the message names the field. */
export function readManifest(text: string): Manifest {
  const root = new Fields('the manifest', parse(text));
  const version = root.number('version');
  if (version !== 1) root.fail('version', `${version}`, '1: a newer kcapture wrote it');
  const dump = root.optionalObject('dump');
  return {
    version: 1,
    status: root.oneOf('status', statuses),
    host: root.text('host'),
    machineId: root.optionalText('machineId'),
    release: root.text('release'),
    panic: root.optionalText('panic'),
    crashedAt: root.optionalTime('crashedAt'),
    startedAt: root.time('startedAt'),
    finishedAt: root.time('finishedAt'),
    clockTrusted: root.flag('clockTrusted'),
    target: root.text('target'),
    failedTargets: root.list('failedTargets').map((entry) => ({ target: entry.text('target'), why: entry.text('why') })),
    files: root.list('files').map(readFile),
    dump: dump === undefined ? undefined : readDump(dump),
    lost: root.texts('lost'),
    warnings: root.texts('warnings'),
    elapsedMs: root.numbers('elapsedMs'),
    captureKernel: readCaptureKernel(root.object('captureKernel')),
    kcapture: readBuild(root.object('kcapture')),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SavedError('saved/bad-manifest', 'Cannot read the manifest: it is no JSON', { cause });
  }
}

function readFile(file: Fields): ManifestFile {
  const name = file.text('name');
  // It is opened later: it must not lead out of the folder.
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
    file.fail('name', JSON.stringify(name), 'the name of a file in the folder');
  const sha256 = file.optionalText('sha256');
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256)) file.fail('sha256', 'another text', '64 hexadecimal digits');
  return { name, sizeBytes: file.size('sizeBytes'), sha256, complete: file.flag('complete') };
}

/** The numbers are shown, never computed with. */
function readDump(dump: Fields): Manifest['dump'] {
  const elapsed = dump.object('elapsedMs');
  const pages = dump.object('pages');
  const stored = dump.object('stored');
  return {
    complete: dump.flag('complete'),
    problem: dump.optionalText('problem'),
    release: dump.text('release'),
    format: dump.oneOf('format', ['kdump', 'elf'] as const),
    codec: dump.oneOf('codec', ['zstd', 'lzo', 'snappy', 'zlib', 'none'] as const),
    level: dump.size('level'),
    pageSize: dump.size('pageSize'),
    endPfn: dump.size('endPfn'),
    pages: pages.sizes(['original', 'kept', 'zero', 'cache', 'cachePrivate', 'user', 'free', 'hwpoison', 'offline', 'hole']),
    elfExcludedPages: dump.optionalSize('elfExcludedPages'),
    stored: stored.sizes(['zero', 'compressed', 'raw', 'unreadable']),
    windows: dump.optionalSize('windows'),
    writtenBytes: dump.size('writtenBytes'),
    elapsedMs: {
      open: elapsed.number('open'),
      filter: elapsed.number('filter'),
      copy: elapsed.number('copy'),
      finish: elapsed.number('finish'),
    },
    peakMemoryBytes: dump.size('peakMemoryBytes'),
    warnings: dump.texts('warnings'),
  };
}

function readCaptureKernel(kernel: Fields): Manifest['captureKernel'] {
  return {
    release: kernel.text('release'),
    commandLine: kernel.text('commandLine'),
    memoryBytes: kernel.size('memoryBytes'),
    peakMemoryBytes: kernel.size('peakMemoryBytes'),
  };
}

function readBuild(build: Fields): Manifest['kcapture'] {
  return { version: build.text('version'), commit: build.text('commit') };
}

/** An object of the file, read field by field. */
class Fields {
  readonly #name: string;
  readonly #value: Readonly<Record<string, unknown>>;

  constructor(name: string, value: unknown) {
    this.#name = name;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new SavedError('saved/bad-manifest', `Cannot read ${name}: found ${kindOf(value)}, expected an object`);
    }
    this.#value = value as Readonly<Record<string, unknown>>;
  }

  fail(field: string, found: string, expected: string): never {
    throw new SavedError('saved/bad-manifest', `Cannot read "${field}" of ${this.#name}: ${found}, expected ${expected}`);
  }

  text(field: string): string {
    const value = this.#get(field);
    return typeof value === 'string' ? value : this.fail(field, kindOf(value), 'a text');
  }

  optionalText(field: string): string | undefined {
    return this.#isAbsent(field) ? undefined : this.text(field);
  }

  time(field: string): string {
    const text = this.text(field);
    return Number.isNaN(Date.parse(text)) ? this.fail(field, 'another text', 'a time') : text;
  }

  optionalTime(field: string): string | undefined {
    return this.#isAbsent(field) ? undefined : this.time(field);
  }

  number(field: string): number {
    const value = this.#get(field);
    return typeof value === 'number' && Number.isFinite(value) ? value : this.fail(field, kindOf(value), 'a number');
  }

  size(field: string): number {
    const value = this.number(field);
    return Number.isSafeInteger(value) && value >= 0 ? value : this.fail(field, `${value}`, 'a whole number from 0 on');
  }

  optionalSize(field: string): number | undefined {
    return this.#isAbsent(field) ? undefined : this.size(field);
  }

  flag(field: string): boolean {
    const value = this.#get(field);
    return typeof value === 'boolean' ? value : this.fail(field, kindOf(value), 'true or false');
  }

  oneOf<T extends string>(field: string, values: readonly T[]): T {
    const value = this.text(field) as T;
    return values.includes(value) ? value : this.fail(field, 'another word', values.join(', '));
  }

  object(field: string): Fields {
    return new Fields(`"${field}" of ${this.#name}`, this.#get(field));
  }

  optionalObject(field: string): Fields | undefined {
    return this.#isAbsent(field) ? undefined : this.object(field);
  }

  list(field: string): readonly Fields[] {
    return this.#array(field).map((entry, index) => new Fields(`"${field}" ${index} of ${this.#name}`, entry));
  }

  texts(field: string): readonly string[] {
    return this.#array(field).map((entry) => (typeof entry === 'string' ? entry : this.fail(field, kindOf(entry), 'texts')));
  }

  numbers(field: string): Readonly<Record<string, number>> {
    return this.object(field).allNumbers();
  }

  sizes<T extends string>(names: readonly T[]): Record<T, number> {
    return Object.fromEntries(names.map((name) => [name, this.size(name)])) as Record<T, number>;
  }

  /** Every field of this object, each a number. */
  allNumbers(): Readonly<Record<string, number>> {
    const names = Object.keys(this.#value);
    if (names.length > maxEntries) this.fail('fields', `${names.length}`, `at most ${maxEntries}`);
    return Object.fromEntries(names.map((name) => [name, this.number(name)]));
  }

  #array(field: string): readonly unknown[] {
    const value = this.#get(field);
    if (!Array.isArray(value)) return this.fail(field, kindOf(value), 'a list');
    return value.length <= maxEntries ? value : this.fail(field, `${value.length} entries`, `at most ${maxEntries}`);
  }

  #get(field: string): unknown {
    return Object.hasOwn(this.#value, field) ? this.#value[field] : undefined;
  }

  #isAbsent(field: string): boolean {
    const value = this.#get(field);
    return value === undefined || value === null;
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
