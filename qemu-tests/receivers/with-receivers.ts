/** Starts receivers for a scenario, each in a folder of its own, and ends all of them whatever happens. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from '../machine/boot-script.ts';
import type { Receiver } from './receiver.ts';

export type Receivers = {
  readonly start: <T extends Receiver>(name: string, receive: (folder: string) => Promise<T>) => Promise<T>;
  /** Steps of the guest: the right time, the network, and every server made known. */
  readonly setUp: (receivers: readonly Receiver[]) => readonly Step[];
  /** What they need in the guest. */
  readonly filesOf: (receivers: readonly Receiver[]) => Readonly<Record<string, string>>;
};

export async function withReceivers(folder: string, run: (receivers: Receivers) => Promise<void>): Promise<void> {
  const started: Receiver[] = [];
  try {
    await run({
      async start(name, receive) {
        const at = join(folder, name);
        mkdirSync(at, { recursive: true });
        const receiver = await receive(at);
        started.push(receiver);
        return receiver;
      },
      setUp: (receivers) => [
        { name: 'network', run: `date -s @${Math.floor(Date.now() / 1000)} && network_up` },
        ...receivers.map(({ add }, index) => ({ name: `add-${index + 1}`, run: add })),
      ],
      filesOf: (receivers) => Object.assign({}, ...receivers.map(({ files }) => files)) as Record<string, string>,
    });
  } finally {
    for (const { server } of started) await server.kill();
  }
}
