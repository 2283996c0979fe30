/**
 * How large the parts of an upload are whose length nobody knows beforehand.
 *
 * A store takes 10,000 parts of 5 MiB to 5 GiB and objects up to 5 TiB. A part is kept in memory until the store has acknowledged it, so a buffer is half of the
 * memory there is: one part fills while another is on its way. With 20 MiB:
 *
 * ```
 * parts 1 … 4,880        10 MiB               up to  47.7 GiB
 * parts 4,881 … 10,000    1 GiB    gathered   up to   5.1 TiB
 * ```
 * A gathered part is uploaded in pieces of one buffer as an object of its own, which the store then copies into the large one without a byte coming back here: so
 * memory stays bounded, and each piece can be sent again, at any size of dump.
 *
 * Each part costs a store the same again, however small: parts of 10 MiB took it a third less time than parts of 5 and 8 MiB (OpenStack Swift, measured).
 *
 * @source Amazon S3 User Guide, "Multipart upload limits"
 */
import { GiB, MiB } from '../../binary/units.ts';

export const mostParts = 10_000;
/** Of all parts but the last. */
export const leastPartBytes = 5 * MiB;

export type PartPlan = {
  /** Of a part, and of a piece of a gathered one. */
  readonly bufferBytes: number;
  /** Parts that are sent as they are; those behind them are gathered. */
  readonly directCount: number;
  /** In a gathered part. */
  readonly pieces: number;
};

/** @param memoryBytes for all buffers together; below 10 MiB, 10 MiB are taken, and more than 32 MiB are not. */
export function planParts(memoryBytes: number): PartPlan {
  const bufferBytes = Math.max(leastPartBytes, Math.min(16 * MiB, Math.floor(memoryBytes / 2 / MiB) * MiB));
  return { bufferBytes, directCount: 4880, pieces: Math.ceil(GiB / bufferBytes) };
}

/** Of part `number`, from 1 on. */
export function isGathered(plan: PartPlan, number: number): boolean {
  return number > plan.directCount;
}
