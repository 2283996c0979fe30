/** The least memory with which the capture still succeeds: by bisection, one virtual machine a step. */
import { MiB } from '../../../binary/units.ts';
import type { VmResult } from './vm-test.ts';

export type Floor = {
  /** The least that worked. */
  readonly worksBytes: number;
  /** The most that did not. */
  readonly failsBytes: number;
  readonly runs: readonly VmResult[];
};

/** Reservations are made in steps of this. */
const stepBytes = 8 * MiB;
/** No kernel with an image starts in less. */
const leastBytes = 48 * MiB;

/**
 * @param fromBytes known to work.
 * @param tryMemory makes one run.
 */
export function findFloor(fromBytes: number, tryMemory: (memoryBytes: number) => VmResult): Floor {
  const runs: VmResult[] = [];
  let works = Math.floor(fromBytes / stepBytes);
  let fails = Math.floor(leastBytes / stepBytes);
  while (works - fails > 1) {
    const middle = Math.floor((works + fails) / 2);
    const result = tryMemory(middle * stepBytes);
    runs.push(result);
    if (result.passed) works = middle;
    else fails = middle;
  }
  return { worksBytes: works * stepBytes, failsBytes: fails * stepBytes, runs };
}
