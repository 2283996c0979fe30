/**
 * What to try next when a dump cannot be made as it was asked for: each rung gives something up and says what. Every rung is stepped on once at most, so the way down
 * ends.
 */
import type { DumpRequest } from '../dump/dump.ts';
import type { KcaptureError } from '../errors.ts';

export type Rung = {
  readonly name: string;
  /** The error is one that this rung may cure. */
  applies(error: KcaptureError, request: DumpRequest): boolean;
  change(request: DumpRequest): DumpRequest;
  /** For the manifest. */
  readonly lost: string;
};

const hasCode = (error: KcaptureError, ...starts: readonly string[]) => starts.some((start) => error.code.startsWith(start));
/** Not a matter of how the source is read: other rungs or other targets are for that, and pages that are not there stay away. */
const isElsewhere = (error: KcaptureError) =>
  hasCode(error, 'sink/', 'files/', 'compress/', 'capture/time-limit', 'capture/broken-off', 'dump/unreadable');

export const rungs: readonly Rung[] = [
  {
    name: 'zstd',
    applies: (error, request) => hasCode(error, 'compress/') && request.codec !== 'zstd',
    change: (request) => ({ ...request, codec: 'zstd', codecLevel: undefined }),
    lost: 'The codec that was asked for cannot be used: the dump is compressed with zstd',
  },
  {
    name: 'no compression',
    applies: (error) => hasCode(error, 'compress/'),
    change: (request) => ({ ...request, codec: undefined, codecLevel: undefined, threads: 1 }),
    lost: 'No codec can be used: pages are stored as they are',
  },
  {
    name: 'reading without mapping',
    applies: (error, request) => request.mmap && hasCode(error, 'vmcore/io', 'vmcore/open'),
    change: (request) => ({ ...request, mmap: false, threads: 1 }),
    lost: 'Memory could not be mapped: it is read piece by piece',
  },
  {
    name: 'every page but zeros',
    applies: (error, request) => !isElsewhere(error) && request.levels.some((level) => level > 1),
    change: (request) => ({ ...request, levels: [1] }),
    lost: 'Pages could not be told apart: all but pages of zeros are kept, and the dump is larger than asked for',
  },
  {
    name: 'every page',
    applies: (error, request) => !isElsewhere(error) && !(request.levels.length === 1 && request.levels[0] === 0),
    change: (request) => ({ ...request, levels: [0], mmap: false, threads: 1 }),
    lost: 'All pages are kept, those of zeros too',
  },
  {
    name: 'the memory as it is',
    applies: (error) => !isElsewhere(error),
    change: (request) => request,
    lost: 'The memory could not be read as that of a Linux kernel: the file is a copy of it, neither filtered nor compressed',
  },
];

/** The last rung leaves `dump()` behind. */
export const copyRung = rungs[rungs.length - 1];

/** The first rung not yet used that may cure the error. */
export function nextRung(error: KcaptureError, request: DumpRequest, used: ReadonlySet<Rung>): Rung | undefined {
  return rungs.find((rung) => !used.has(rung) && rung.applies(error, request));
}
