/** Talking to servers, for Bun and Node alike. The protocols are loaded when they are first used: most commands never need them. */
import type { Network } from './network-interface.ts';
import { openConnection } from './open-connection.ts';
import { resolveName } from './resolve-name.ts';

export function createNetwork(): Network {
  return {
    resolve: resolveName,
    async reach(address, port, timeoutMs) {
      (await openConnection({ address, port, limitMs: timeoutMs })).destroy();
    },
    async http(request) {
      const { sendHttp } = await import('./http-client.ts');
      return sendHttp(request);
    },
    async ssh(request) {
      const { openSshSession } = await import('./ssh-client.ts');
      return openSshSession(request);
    },
  };
}
