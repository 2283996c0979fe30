/**
 * A proxy between a client and a server of HTTP that spoils chosen requests: cuts them in the middle, stalls, answers in the server's stead. One request a
 * connection.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Fault = {
  /** Against the request's first line, e.g. `PUT /b/k?partNumber=2 HTTP/1.1`. */
  readonly matches: RegExp;
  /** How many requests are spoilt; the rest passes. */
  times: number;
  /**
   * `cut`: the connection breaks behind the first 100,000 bytes. `stall`: nothing more moves. `lose`: the server does as it is asked, the answer gets
   * lost. Else: the bytes of an answer, in the server's stead.
   */
  readonly does: 'cut' | 'stall' | 'lose' | { readonly answers: string };
};

export type FaultProxy = {
  readonly port: number;
  readonly faults: Fault[];
  /** First lines of the requests so far. */
  readonly requests: string[];
  close(): Promise<void>;
};

const cutBytes = 100_000;

export async function startFaultProxy(serverPort: number): Promise<FaultProxy> {
  const faults: Fault[] = [];
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    return socket;
  };
  const server = createServer((client) => {
    keep(client).once('data', (first: Buffer) => {
      client.pause();
      const line = first.toString('latin1').split('\r\n')[0];
      requests.push(line);
      const fault = faults.find(({ matches, times }) => times > 0 && matches.test(line));
      if (fault !== undefined) fault.times--;
      pass(client, first, fault, () => keep(connect(serverPort, '127.0.0.1')));
    });
  });
  return { port: await listen(server), faults, requests, close: () => close(server, sockets) };
}

function pass(client: Socket, first: Buffer, fault: Fault | undefined, open: () => Socket): void {
  const does = fault?.does;
  if (does === 'stall') return;
  if (typeof does === 'object') {
    client.resume();
    client.end(does.answers);
    return;
  }
  const server = open();
  let passed = first.length;
  server.write(first);
  client.on('data', (chunk: Buffer) => {
    passed += chunk.length;
    if (does === 'cut' && passed > cutBytes) {
      client.resetAndDestroy();
      server.destroy();
    } else if (!server.write(chunk)) {
      client.pause();
    }
  });
  server.on('drain', () => client.resume());
  client.on('close', () => server.destroy());
  server.on('close', () => client.destroy());
  if (does === 'lose') server.once('data', () => client.destroy());
  else server.pipe(client);
  client.resume();
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port'));
    });
  });
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
