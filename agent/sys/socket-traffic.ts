/** Whether bytes still move on a connection, in either direction. */
import type { Socket } from 'node:net';
import type { Traffic } from './ssh-requests.ts';

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
