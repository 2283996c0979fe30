/** The TCP connection below ssh, opened within a limit, its bytes counted. */
import { connect, type Socket } from 'node:net';
import { codeOf, reasonOf } from './errno.ts';
import { SshError } from './ssh-error.ts';
import type { Traffic } from './ssh-requests.ts';

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to its network',
  ETIMEDOUT: 'there is no answer',
};

/** @param address numeric. @throws SshError `network/unreachable` */
export function openSocket(address: string, port: number, connectMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, noDelay: true });
    const fail = (reason: string, cause?: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new SshError('network/unreachable', `Cannot reach ${address} port ${port}: ${reason}`, { cause }));
    };
    const onError = (cause: Error) => fail(reasons[codeOf(cause)] ?? reasonOf(cause), cause);
    const timer = setTimeout(() => fail(`no answer within ${connectMs} ms`), connectMs);
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeListener('error', onError);
      // Nobody listens between here and the hand-over to ssh2; the error shows there as a closed socket.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** What a socket has moved. */
export function trafficOf(socket: Socket): Traffic {
  let [hadBacklog, gone, drained] = [false, 0, 0];
  return {
    receivedBytes: () => socket.bytesRead,
    drainedBytes: () => {
      const now = socket.bytesWritten - socket.writableLength;
      if (hadBacklog && now > gone) drained += now - gone;
      [hadBacklog, gone] = [socket.writableLength > 0, now];
      return drained;
    },
  };
}
