import t from 'tap';
import { GiB, MiB } from '../../binary/units.ts';
import { bufferBytesOf, isGathered, leastPartBytes, mostParts, planParts, type PartPlan } from './part-plan.ts';

/** Bytes that `count` parts hold. */
function plannedBytes(plan: PartPlan, count: number): number {
  const first = Math.min(count, plan.firstCount);
  const direct = Math.min(count, plan.directCount) - first;
  const gathered = Math.max(0, count - plan.directCount);
  return first * plan.firstBytes + (direct + gathered * plan.pieces) * plan.thenBytes;
}

const TiB = 1024 * GiB;

t.test('5 TiB fit into 10,000 parts whatever the buffers, and no part is larger or smaller than a store takes', async (t) => {
  for (let bufferBytes = 0; bufferBytes <= 64 * MiB; bufferBytes += MiB) {
    const plan = planParts(bufferBytes);
    t.ok(plannedBytes(plan, mostParts) >= 5 * TiB, `${bufferBytes / MiB} MiB of buffers`);
    t.ok(plan.pieces * plan.thenBytes <= 5 * GiB && plan.pieces <= mostParts);
    t.ok(plan.firstBytes >= leastPartBytes && plan.firstBytes <= plan.thenBytes);
    t.ok(2 * plan.thenBytes <= Math.max(bufferBytes, 10 * MiB), 'two buffers, or nothing overlaps');
  }
});

t.test('the sum of the parts is what the plan says', async (t) => {
  const plan = planParts(32 * MiB);
  let sum = 0;
  for (let number = 1; number <= mostParts; number++) {
    sum += bufferBytesOf(plan, number) * (isGathered(plan, number) ? plan.pieces : 1);
    if (number % 1000 === 0) t.equal(plannedBytes(plan, number), sum);
  }
  t.equal(plannedBytes(plan, 880), 880 * 8 * MiB);
  t.equal(plannedBytes(plan, 4880), 880 * 8 * MiB + 4000 * 16 * MiB);
  t.equal(bufferBytesOf(plan, 881), 16 * MiB);
});
