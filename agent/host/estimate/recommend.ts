/** From the sum to a number an administrator can write, and how that compares with what is reserved and with what distributions reserve. */
import { GiB, MiB } from '../../binary/units.ts';
import { crashkernelDefaults } from '../../linux/crashkernel-auto.ts';
import { parseCrashkernel } from '../../linux/crashkernel.ts';
import { reservationFor } from '../../linux/crashkernel-reservation.ts';
import { type NeedFacts, type Needs, sumNeeds } from './memory-needs.ts';

/** `none`: nothing is reserved. `low`: less than it was seen to work with. `tight`: less than recommended. `generous`: twice that or more. */
export type Verdict = 'none' | 'low' | 'tight' | 'good' | 'generous';

export type Recommendation = {
  readonly needs: Needs;
  readonly bytes: number;
  /** The whole word, e.g. `crashkernel=224M`. */
  readonly word: string;
  readonly reservedBytes: number;
  readonly verdict: Verdict;
  /** What distributions would reserve here. */
  readonly defaults: readonly { readonly name: string; readonly text: string; readonly bytes: number }[];
};

const leastBytes = 128 * MiB;
/** Above this a piece without gaps may be missing below 4 GiB. */
const highFromBytes = 768 * MiB;

/** @param machine as in `uname -m`. */
export function recommend(facts: NeedFacts, reservedBytes: number, machine: string): Recommendation {
  // The table of pages grows with the reservation, so the second sum is made with the first one's result.
  const bytes = roundUp(sumNeeds(facts, roundUp(sumNeeds(facts, leastBytes).totalBytes)).totalBytes);
  const needs = sumNeeds(facts, bytes);
  const high = bytes > highFromBytes && facts.memoryBytes > 4 * GiB ? ',high' : '';
  return {
    needs,
    bytes,
    word: `crashkernel=${bytes / MiB}M${high}`,
    reservedBytes,
    verdict: judge(needs, bytes, reservedBytes),
    defaults: crashkernelDefaults
      .filter(({ machines }) => machines.includes(machine))
      .map(({ name, text }) => ({
        name,
        text,
        bytes: reservationFor([parseCrashkernel(text)], { memoryBytes: facts.memoryBytes, machine }).totalBytes,
      })),
  };
}

/** Steps of 32 MiB, of 64 MiB from 512 MiB on, of 256 MiB from 2 GiB on. */
export function roundUp(bytes: number): number {
  const step = bytes <= 512 * MiB ? 32 * MiB : bytes <= 2 * GiB ? 64 * MiB : 256 * MiB;
  return Math.max(leastBytes, Math.ceil(bytes / step) * step);
}

function judge(needs: Needs, bytes: number, reservedBytes: number): Verdict {
  if (reservedBytes === 0) return 'none';
  if (reservedBytes < needs.leastBytes) return 'low';
  if (reservedBytes < bytes) return 'tight';
  return reservedBytes >= 2 * bytes ? 'generous' : 'good';
}
