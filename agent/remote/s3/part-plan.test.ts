import t from 'tap';
import { GiB, MiB } from '../../binary/units.ts';
import { isGathered, leastPartBytes, mostParts, planParts } from './part-plan.ts';

const TiB = 1024 * GiB;

t.test('5 TiB fit into 10,000 parts whatever the memory, and no part is larger or smaller than a store takes', async (t) => {
  for (let memoryBytes = 0; memoryBytes <= 64 * MiB; memoryBytes += MiB) {
    const plan = planParts(memoryBytes);
    const { bufferBytes, directCount, pieces } = plan;
    t.ok((directCount + (mostParts - directCount) * pieces) * bufferBytes >= 5 * TiB, `${memoryBytes / MiB} MiB`);
    t.ok(pieces * bufferBytes <= 5 * GiB && pieces <= mostParts);
    t.ok(bufferBytes >= leastPartBytes);
    t.ok(2 * bufferBytes <= Math.max(memoryBytes, 10 * MiB), 'two buffers, or nothing overlaps');
    t.notOk(isGathered(plan, directCount));
    t.ok(isGathered(plan, directCount + 1));
  }
  t.equal(planParts(24 * MiB).bufferBytes, 12 * MiB);
});
