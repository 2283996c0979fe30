/** What becomes of a dump in the page cache while it is written. */
import { totalmem } from 'node:os';
import { GiB } from '../binary/units.ts';
import type { FileNatives } from './file-sink.ts';
import { forgetCached } from './kernel-calls.ts';
import { startWriteback } from './libc.ts';

/** A capture kernel has less, and a dump in its page cache pushes out the program that writes it: 16 MB of it were read again from its image (measured, 192 MB). */
const smallMemoryBytes = GiB;

/** In a small memory the page cache never holds more than what the disk still has to take. */
export const beginWriting: FileNatives['beginWriting'] = totalmem() < smallMemoryBytes ? (fd) => forgetCached(fd, 0, 0) : startWriteback;
