/**
 * Blocks as a dump does, and looks for Ctrl-C. Prints `watching`, then `heard` when it has come; goes on blocking until it is ended, a few seconds at most.
 *
 *     interrupt-driver
 */
import { writeSync } from 'node:fs';
import { watchInterrupts } from '../sys/interrupts.ts';

const waitMs = 20;
const mostWaits = 500;
const word = new Int32Array(new SharedArrayBuffer(4));

const heard = watchInterrupts();
writeSync(1, 'watching\n');
let told = false;
for (let waits = 0; waits < mostWaits; waits++) {
  Atomics.wait(word, 0, 0, waitMs);
  if (told || !heard()) continue;
  told = true;
  writeSync(1, 'heard\n');
}
