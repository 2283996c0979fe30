/** Gives up what JavaScript no longer uses, long before it would itself: it goes by the memory of the machine, and here there is little for other reasons. */
import { edenGC, fullGC } from 'bun:jsc';

/** What outlived a quick look, as bytes that wait for a server do, is found by a thorough one only. */
const thoroughEvery = 32;
let calls = 0;

/** Quick nearly always. Of this thread alone. */
export function freeMemory(): void {
  if (++calls % thoroughEvery === 0) fullGC();
  else edenGC();
}
