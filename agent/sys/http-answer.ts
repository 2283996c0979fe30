/** The answer to a request, read to its end within bounds. */
import type { IncomingMessage } from 'node:http';
import { brokenError, NetworkError } from './network-error.ts';
import type { HttpAnswer } from './network-interface.ts';

type AnswerLimits = { readonly peer: string; readonly mostBytes: number; readonly limitMs: number };

/** @throws NetworkError `network/broken` when it ends too early, `network/limit` when it is too large, `network/protocol`. */
export function finishAnswer(message: IncomingMessage, { peer, mostBytes, limitMs }: AnswerLimits): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const fail = (failure: NetworkError) => {
      clearTimeout(timer);
      reject(failure);
    };
    const timer = setTimeout(
      () => fail(new NetworkError('network/stalled', `Cannot read the answer of ${peer}: not whole after ${limitMs} ms`)),
      limitMs,
    );
    message.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > mostBytes)
        return fail(new NetworkError('network/limit', `Cannot read the answer of ${peer}: more than ${mostBytes} bytes`));
      chunks.push(chunk);
    });
    message.once('end', () => {
      if (!message.complete) return fail(cutShort(peer));
      clearTimeout(timer);
      resolve({ status: message.statusCode ?? 0, headers: headersOf(message), body: Buffer.concat(chunks) });
    });
    message.on('error', (cause) => fail(brokenError(peer, cause)));
    message.once('close', () => fail(cutShort(peer)));
  });
}

function cutShort(peer: string): NetworkError {
  return new NetworkError('network/broken', `Cannot read the answer of ${peer}: the connection ended in the middle of it`);
}

function headersOf(message: IncomingMessage): Record<string, string> {
  const entries = Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]);
  return Object.fromEntries(entries);
}
