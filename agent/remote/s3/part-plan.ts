/**
 * How large the parts of an upload are whose length nobody knows beforehand.
 *
 * A store takes 10,000 parts of 5 MiB to 5 GiB and objects up to 5 TiB. A part is kept in memory until the store has acknowledged it, so none may be larger
 * than half of the buffers:
 *
 * ```
 * parts 1 … 880           8 MiB    small dumps keep several parts under way       up to   6.9 GiB
 * parts 881 … 4,880      16 MiB                                                   up to  69.4 GiB
 * parts 4,881 … 10,000    1 GiB    gathered                                       up to   5.07 TiB
 * ```
 * A gathered part is uploaded in pieces of 16 MiB as an object of its own, which the store then copies into the large one without a byte coming back here: so
 * memory stays bounded, and each piece can be sent again, at any size of dump.
 *
 * @source Amazon S3 User Guide, "Multipart upload limits"
 */
import { GiB, MiB } from '../../binary/units.ts';

export const mostParts = 10_000;
/** Of all parts but the last. */
export const leastPartBytes = 5 * MiB;

export type PartPlan = {
  readonly firstBytes: number;
  /** Parts of `firstBytes`. */
  readonly firstCount: number;
  /** Of the parts after the first, and of the pieces of gathered ones. */
  readonly thenBytes: number;
  /** Parts that are sent as they are; those behind them are gathered. */
  readonly directCount: number;
  /** Pieces of `thenBytes` in a gathered part. */
  readonly pieces: number;
};

/** @param bufferBytes for all buffers together; below 10 MiB, 10 MiB are taken. */
export function planParts(bufferBytes: number): PartPlan {
  const thenBytes = clampMiB(bufferBytes / 2, 16 * MiB);
  return {
    firstBytes: clampMiB(bufferBytes / 4, Math.min(8 * MiB, thenBytes)),
    firstCount: 880,
    thenBytes,
    directCount: 4880,
    pieces: Math.ceil(GiB / thenBytes),
  };
}

/** Of part `number`, from 1 on; of the pieces of one that is gathered. */
export function bufferBytesOf(plan: PartPlan, number: number): number {
  return number <= plan.firstCount ? plan.firstBytes : plan.thenBytes;
}

export function isGathered(plan: PartPlan, number: number): boolean {
  return number > plan.directCount;
}

function clampMiB(bytes: number, most: number): number {
  return Math.max(leastPartBytes, Math.min(most, Math.floor(bytes / MiB) * MiB));
}
