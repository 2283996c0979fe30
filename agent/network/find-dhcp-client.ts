/** The DHCP client to use: on the healthy machine for the image, and in the image. */
import type { Programs } from '../sys/programs-interface.ts';
import { type DhcpClient, dhcpClients } from './dhcp-clients.ts';

export type FoundClient = { readonly client: DhcpClient /** Absolute. */; readonly path: string };

/** The first of `dhcpClients` that is there and can ask. */
export function findDhcpClient(programs: Programs): FoundClient | undefined {
  for (const client of dhcpClients) {
    const path = programs.find(client.program);
    if (path !== undefined && canAsk(programs, client, path)) return { client, path };
  }
  return undefined;
}

/** A busybox need not have one. */
function canAsk(programs: Programs, { program }: DhcpClient, path: string): boolean {
  if (program !== 'busybox') return true;
  const { status, stdout } = programs.run([path, '--list'], { timeoutMs: 5_000 });
  return status === 0 && stdout.split('\n').includes('udhcpc');
}
