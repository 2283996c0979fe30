/** What a server does in the middle of a dump: it dies and comes back, or it stops answering. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Receiver } from './receiver.ts';

/** More than everything small that a capture sends, less than a dump. */
const middleBytes = 3_000_000;
const limitMs = 120_000;

/** @throws Error when the server got no dump in time. */
export async function untilInTheMiddle({ root, target }: Receiver): Promise<void> {
  const before = bytesBelow(root);
  const endsAt = Date.now() + limitMs;
  while (bytesBelow(root) - before < middleBytes) {
    if (Date.now() > endsAt) throw new Error(`"${target}" received no dump within ${limitMs} ms`);
    await delay(50);
  }
}

/** Kills the server in the middle of a dump; `awayMs` later it is back on the same port. */
export async function killInTheMiddle(receiver: Receiver, awayMs: number): Promise<void> {
  await untilInTheMiddle(receiver);
  await receiver.server.kill();
  await delay(awayMs);
  await receiver.server.start();
}

export async function holdInTheMiddle(receiver: Receiver): Promise<void> {
  await untilInTheMiddle(receiver);
  receiver.server.hold();
}

/** A file may go while it is counted. */
function bytesBelow(folder: string): number {
  let sum = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const status = entry.isFile() ? statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false }) : undefined;
    sum += status?.size ?? 0;
  }
  return sum;
}
