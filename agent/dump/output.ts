/**
 * The file a dump goes to. Until it is complete its name ends in `-incomplete`, so that nothing looks finished before it is.
 */
import { CountingSink } from '../sink/counting-sink.ts';
import { type Sink, SinkError } from '../sink/sink.ts';
import type { System } from '../sys/system.ts';

export interface Output {
  readonly sink: Sink;
  /** Where the bytes are now; changes with `commit`. */
  readonly path: string;
  /** Makes the dump durable, then gives it its name. */
  commit(): void;
  /** Keeps what is there under the name that says it is incomplete. */
  keepIncomplete(): void;
  /** Removes what was written, for another attempt. */
  discard(): void;
}

export type OutputOptions = {
  readonly overwrite: boolean;
  /** Write to the name itself, as makedumpfile does. */
  readonly inPlace: boolean;
  readonly plainWrites?: boolean;
  /** Nothing is written anywhere, only counted. */
  readonly dryRun: boolean;
  /** Files that are being read, and those just written: they must not be overwritten. */
  readonly inputs: readonly string[];
};

export const incompleteSuffix = '-incomplete';

/**
 * @param path `-` is standard output.
 * @throws SinkError `sink/exists`, `sink/is-input`, `sink/open`.
 */
export function openOutput(system: System, path: string, options: OutputOptions): Output {
  if (options.dryRun) return unnamed(new CountingSink());
  if (path === '-') return unnamed(system.standardOutput());
  const inPlace = options.inPlace || path.startsWith('/dev/') || system.isBlockDevice(path);
  const workPath = inPlace ? path : path + incompleteSuffix;
  refuseInput(system, path, options.inputs);
  refuseInput(system, workPath, options.inputs);
  const exists = system.exists(path);
  if (exists && !options.overwrite && !system.isBlockDevice(path)) {
    throw new SinkError('sink/exists', `Cannot create "${path}": it exists`, {
      where: path,
      hint: 'Choose another name, or add -f to replace it',
    });
  }
  return named(system, path, workPath, options);
}

function refuseInput(system: System, path: string, inputs: readonly string[]): void {
  for (const input of inputs) {
    if (system.sameFile(path, input)) {
      throw new SinkError('sink/is-input', `Cannot write to "${path}": it is an input or another output of this run`, {
        where: path,
        hint: 'Choose another output name',
      });
    }
  }
}

function unnamed(sink: Sink): Output {
  return {
    sink,
    path: sink.name,
    commit() {
      sink.sync();
      sink.close();
    },
    keepIncomplete: () => sink.close(),
    discard: () => sink.close(),
  };
}

function named(system: System, finalPath: string, workPath: string, { overwrite, plainWrites }: OutputOptions): Output {
  const sink = system.createFile(workPath, { overwrite, plainWrites });
  let current = workPath;
  return {
    sink,
    get path() {
      return current;
    },
    commit() {
      sink.sync();
      sink.close();
      if (current !== finalPath) system.rename(current, finalPath);
      current = finalPath;
    },
    keepIncomplete() {
      try {
        sink.sync();
      } catch {
        // A full or broken disk has said so already; what it holds stays.
      }
      sink.close();
    },
    discard() {
      sink.close();
      if (!system.isBlockDevice(current)) system.remove(current);
    },
  };
}
