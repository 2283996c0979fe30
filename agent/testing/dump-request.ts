/** A dump as most tests want it: `-d 31`, zlib, one thread, to a name of its own. */
import type { DumpRequest } from '../dump/dump.ts';

export const dumpRequestDefaults: Omit<DumpRequest, 'source' | 'outputs'> = {
  format: 'kdump',
  flattened: false,
  codec: 'zlib',
  codecLevel: undefined,
  levels: [31],
  overwrite: false,
  inPlace: false,
  dryRun: false,
  mmap: true,
  threads: 1,
};
