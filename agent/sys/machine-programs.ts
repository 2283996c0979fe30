/**
 * Other programs, started by argument vector and waited for. Each gets a session of its own, so that with it, when its time is over, all that
 * it started can be killed; one that talks to our terminal stays in our session, or it could not read what is typed.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeText } from '../binary/text.ts';
import { MiB } from '../binary/units.ts';
import { KcaptureError } from '../errors.ts';
import { reasonOf } from './errno.ts';
import { createPathMap, type PathMap } from './path-map.ts';
import type { ProgramOptions, ProgramResult, Programs } from './programs-interface.ts';

export type RunRequest = {
  /** Where the program lies. */
  readonly place: string;
  /** Its name first. */
  readonly argv: readonly string[];
  /** `NAME=value` */
  readonly environment: readonly string[];
  readonly folder: string | undefined;
  readonly input: Uint8Array;
  readonly attached: boolean;
  readonly timeoutMs: number;
  /** For each of the two outputs. */
  readonly mostOutputBytes: number;
};

export type RunResult = {
  /** As `ProgramResult` has it. */
  readonly status: number;
  /** Why it was killed, when it was. */
  readonly ended: 'time' | 'output' | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
};

/** How this runtime runs a program to its end. It throws when the program cannot be started. */
export type RunToEnd = (request: RunRequest) => RunResult;

const usualFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const mostOutputBytes = 16 * MiB;
/** A timer takes no more. */
const longestMs = 2 ** 31 - 1;
const timedOut = 124;
const notThere = 127;

/** @param root folder in which programs are looked for as if it were `/`; they run on this machine all the same. */
export function createPrograms(runToEnd: RunToEnd, root = '/'): Programs {
  const paths = createPathMap(root);
  return {
    find: (name) => findProgram(paths, name),
    run(argv, options = {}) {
      const found = argv[0] === undefined ? undefined : findProgram(paths, argv[0]);
      if (found === undefined) return notRun(argv[0] ?? '', 'there is no such program');
      return runProgram(runToEnd, paths.follow(found), argv, options);
    },
  };
}

function runProgram(runToEnd: RunToEnd, place: string, argv: readonly string[], options: ProgramOptions): ProgramResult {
  const { folder, timeoutMs = 60_000, input = '', attached = false } = options;
  if (folder !== undefined && !isFolder(folder)) return notRun(argv[0], `there is no folder "${folder}"`);
  try {
    return describe(
      argv[0],
      runToEnd({
        place,
        argv,
        environment: environmentOf(options),
        folder,
        input: typeof input === 'string' ? encodeText(input) : input,
        attached,
        timeoutMs: Math.max(1, Math.min(Math.ceil(timeoutMs), longestMs)),
        mostOutputBytes,
      }),
    );
  } catch (cause) {
    if (cause instanceof KcaptureError) return { status: notThere, stdout: '', stderr: cause.message };
    return notRun(argv[0], reasonOf(cause));
  }
}

function environmentOf(options: ProgramOptions): readonly string[] {
  const words = Object.entries({ ...process.env, ...options.environment });
  return words.filter(([, value]) => value !== undefined).map(([name, value]) => `${name}=${value}`);
}

function describe(name: string, { status, ended, stdout, stderr }: RunResult): ProgramResult {
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const said = ended === 'output' ? `${error}\nEnded "${name}": more than ${mostOutputBytes} bytes of output` : error;
  return { status: ended === 'time' ? timedOut : status, stdout: out, stderr: said };
}

function notRun(name: string, reason: string): ProgramResult {
  return { status: notThere, stdout: '', stderr: `Cannot run "${name}": ${reason}` };
}

/** A name with a slash is a path and is not looked for. */
function findProgram(paths: PathMap, name: string): string | undefined {
  if (name === '' || name.includes('\0')) return undefined;
  if (name.startsWith('/')) return isProgram(paths.follow(name)) ? name : undefined;
  if (name.includes('/')) return undefined;
  const folders = [...(process.env.PATH ?? '').split(':').filter((folder) => folder.startsWith('/')), ...usualFolders];
  return folders.map((folder) => join(folder, name)).find((path) => isProgram(paths.follow(path)));
}

function isProgram(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return statSync(place).isFile();
  } catch {
    return false;
  }
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}
