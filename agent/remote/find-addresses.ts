/** Where a server is: by its name as it stands now, and by what the healthy machine found out. */
import type { RemoteContext } from './remote-store.ts';

/** For a name server in a network that has just come up. */
const resolveMs = 5000;

/** Those of now, then those of the healthy machine. @throws NetworkFailure `network/name` when there are neither. */
export async function findAddresses(
  { network, addresses, limits }: Pick<RemoteContext, 'network' | 'addresses' | 'limits'>,
  host: string,
): Promise<readonly string[]> {
  try {
    const found = await network.resolve(host, Math.min(limits.connectMs, resolveMs));
    return [...new Set([...found, ...addresses])];
  } catch (error) {
    if (addresses.length === 0) throw error;
    return addresses;
  }
}
