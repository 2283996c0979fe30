/** Watches that bytes move between us and a server, in either direction, while it is the network that we wait for. */
import type { Socket } from 'node:net';

export type StallGuard = {
  /** From now on we wait for the network; or, for as long as `false`, for somebody else. */
  watch(network: boolean): void;
  /** The socket has taken some of what we gave it. */
  moved(): void;
  end(): void;
};

/** @param onStall once, when no byte has moved for `limitMs`. */
export function guardAgainstStall(socket: Socket, limitMs: number, onStall: () => void): StallGuard {
  let [received, movedAt, watching] = [socket.bytesRead, performance.now(), true];
  const moved = () => {
    movedAt = performance.now();
  };
  const look = () => {
    if (socket.bytesRead !== received) moved();
    received = socket.bytesRead;
    if (!watching || performance.now() - movedAt < limitMs) return;
    clearInterval(timer);
    onStall();
  };
  const timer = setInterval(look, Math.min(Math.max(limitMs / 8, 10), 1000));
  return {
    watch(network) {
      if (network && !watching) moved();
      watching = network;
    },
    moved,
    end: () => clearInterval(timer),
  };
}
