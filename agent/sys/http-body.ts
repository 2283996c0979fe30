/** The body of a request on its way to the socket: one piece at a time, the next when the last is out of our hands. */
import type { ClientRequest } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { HttpRequest } from './network-interface.ts';
import type { StallGuard } from './stall-guard.ts';

/** What may move without our seeing it: small enough that a slow line is not taken for a dead one. Of 64 KiB it is a fifth slower (measured). */
const pieceBytes = 262144;
/**
 * A socket that takes everything at once leaves the event loop no turn: neither an answer nor a limit would be heard of. Measured: a server that throws 64 MiB away
 * was not heard refusing them.
 */
const piecesPerTurn = 4;

export type BodyState = {
  /** The answer is there, or nobody waits for it: no more of the body is wanted. */
  stopped: boolean;
};

/** Resolves when all is with the socket, or no more is wanted. The bytes of a piece are free when the next is asked for. @throws what the body throws. */
export async function sendBody(client: ClientRequest, { body, onSent }: HttpRequest, guard: StallGuard, state: BodyState): Promise<void> {
  if (state.stopped) return;
  if (body === undefined || body instanceof Uint8Array) {
    await sendBytes(client, body ?? new Uint8Array(0), 0, onSent, guard, state);
  } else {
    let sent = 0;
    guard.watch(false);
    for await (const bytes of body) {
      guard.watch(true);
      sent = await sendBytes(client, bytes, sent, onSent, guard, state);
      if (state.stopped) return;
      guard.watch(false);
    }
    guard.watch(true);
  }
  if (!state.stopped) client.end();
}

async function sendBytes(
  client: ClientRequest,
  bytes: Uint8Array,
  before: number,
  onSent: HttpRequest['onSent'],
  guard: StallGuard,
  state: BodyState,
): Promise<number> {
  for (let at = 0; at < bytes.length && !state.stopped; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    await written(client, piece);
    guard.moved();
    onSent?.(before + at + piece.length);
    if ((at / pieceBytes) % piecesPerTurn === 0) await nextTurn();
  }
  return before + bytes.length;
}

/** Resolves also when the connection is gone: that is told elsewhere. */
function written(client: ClientRequest, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const onClose = () => resolve();
    client.once('close', onClose);
    client.write(piece, () => {
      client.off('close', onClose);
      resolve();
    });
  });
}
