/** A TCP proxy on the loopback that breaks connections off after as many bytes as it is told. */
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './server-process.ts';

/** Bytes from the client or from the server after which both lose the connection. */
export type Cut = { readonly sentBytes?: number; readonly answeredBytes?: number };

export type CuttingProxy = {
  readonly port: number;
  /** Connections so far. */
  readonly count: () => number;
  close(): void;
};

/** @param cuts of the first connection, the second, …; those behind the last are left alone. */
export async function startCuttingProxy(serverPort: number, cuts: readonly Cut[]): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((client) => {
    const { sentBytes = Number.POSITIVE_INFINITY, answeredBytes = Number.POSITIVE_INFINITY } = cuts[count++] ?? {};
    const far = connect(serverPort, '127.0.0.1');
    const breakOff = () => {
      for (const socket of [client, far]) socket.resetAndDestroy();
    };
    for (const socket of [client, far]) {
      sockets.add(socket);
      socket.on('error', breakOff).on('close', () => {
        sockets.delete(socket);
        breakOff();
      });
    }
    pass(client, far, sentBytes, breakOff);
    pass(far, client, answeredBytes, breakOff);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, count: () => count, close };
}

function pass(from: Socket, to: Socket, leftBytes: number, breakOff: () => void): void {
  let left = leftBytes;
  from.on('data', (chunk: Buffer) => {
    const last = chunk.length >= left;
    if (!to.write(last ? chunk.subarray(0, left) : chunk, last ? breakOff : undefined)) from.pause();
    left -= chunk.length;
    if (last) from.pause();
  });
  to.on('drain', () => left > 0 && from.resume());
}
