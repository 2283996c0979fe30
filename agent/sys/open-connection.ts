/** A connection to a server, TCP or TLS, opened within a limit: the way below HTTP. */
import { connect, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import { connectError, isNumeric, NetworkError, peerName } from './network-error.ts';

export type ConnectionRequest = {
  /** Numeric. */
  readonly address: string;
  readonly port: number;
  readonly limitMs: number;
  /** Absent: plain TCP. */
  readonly tls?: {
    /** Must stand in the server's certificate. */
    readonly name: string;
    /** PEM. Without it: the authorities built in. */
    readonly authority?: string;
    readonly certificate?: string;
    readonly key?: string;
  };
  readonly signal?: AbortSignal;
};

/**
 * The socket listens to errors until somebody else does: none is thrown into the void.
 * @throws NetworkError `network/unreachable`, `network/certificate`, `network/auth`, `network/protocol`.
 */
export function openConnection(request: ConnectionRequest): Promise<Socket> {
  const { address, port, limitMs, tls, signal } = request;
  const peer = peerName(tls === undefined || tls.name === address ? address : `${tls.name} (${address})`, port);
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    const settle = (failure?: NetworkError) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (failure === undefined) return;
      socket?.destroy();
      reject(failure);
    };
    const onAbort = () => settle(new NetworkError('network/broken', `Cannot reach ${peer}: it was given up`));
    const timer = setTimeout(
      () => settle(new NetworkError('network/unreachable', `Cannot reach ${peer}: no answer within ${limitMs} ms`)),
      limitMs,
    );
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort);
    try {
      socket = tls === undefined ? connect({ host: address, port, noDelay: true }) : startTls(request, tls);
    } catch (cause) {
      // Certificates and keys of ours that make no sense.
      return settle(
        new NetworkError('network/auth', `Cannot use our certificates for ${peer}: they cannot be read`, {
          hint: 'Add the target again',
          cause,
        }),
      );
    }
    const opened = socket;
    opened.on('error', (cause) => settle(connectError(peer, cause)));
    opened.once('close', () => settle(new NetworkError('network/unreachable', `Cannot reach ${peer}: the server hangs up`)));
    opened.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      settle();
      resolve(opened);
    });
  });
}

function startTls({ address, port }: ConnectionRequest, tls: NonNullable<ConnectionRequest['tls']>): Socket {
  return connectTls({
    host: address,
    port,
    servername: isNumeric(tls.name) ? '' : tls.name,
    ca: tls.authority,
    cert: tls.certificate,
    key: tls.key,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(tls.name, certificate),
  });
}
