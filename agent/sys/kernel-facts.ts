/** What Node says about the running kernel as well as anything else: shared by the real system and the one of the tests. */
import { readFileSync } from 'node:fs';
import { availableParallelism, hostname, machine, release } from 'node:os';
import type { KernelCalls } from './kernel-interface.ts';
import { readKernelLog } from './kernel-log.ts';

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** The calls that change nothing. */
export const kernelFacts: Pick<KernelCalls, 'utsname' | 'effectiveUserId' | 'sleep' | 'wallClockMs' | 'onlineCpus' | 'readLog'> = {
  utsname: () => ({ host: hostname(), release: release(), version: kernelVersion(), machine: machine() }),
  effectiveUserId: () => process.geteuid?.() ?? -1,
  sleep(milliseconds) {
    if (milliseconds > 0) Atomics.wait(sleeper, 0, 0, milliseconds);
  },
  wallClockMs: () => Date.now(),
  onlineCpus: availableParallelism,
  readLog: (maxBytes) => readKernelLog(maxBytes),
};

function kernelVersion(): string {
  return readFileSync('/proc/sys/kernel/version', 'utf8').trim();
}
