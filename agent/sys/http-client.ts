/**
 * One HTTP/1.1 request over a connection of its own: headers → body, as fast as the socket takes it → the answer, which may come while the body
 * is still on its way.
 *
 * Measured with Bun 1.4.5 and Node 20: `node:http` holds at most 4 MiB of a body that nobody reads, tells of an answer in the middle of the body, and
 * leaves the last chunk away when a request is destroyed.
 */
import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http';
import type { Socket } from 'node:net';
import { finishAnswer } from './http-answer.ts';
import { type BodyState, sendBody } from './http-body.ts';
import { brokenError, NetworkError, peerName } from './network-error.ts';
import type { HttpAnswer, HttpRequest } from './network-interface.ts';
import { openConnection } from './open-connection.ts';
import { resolveName } from './resolve-name.ts';
import { guardAgainstStall, type StallGuard } from './stall-guard.ts';
import { within } from './within.ts';

/** Of the answer's first line and headers together. */
const mostHeaderBytes = 16384;
/** Answers of the kind "go on": one or two are usual. */
const mostInterimAnswers = 8;
/** A server that drips its answer moves bytes for ever: object stores do for minutes. */
const longestAnswerMs = 15 * 60_000;
/** A server that knows nothing of `expect: 100-continue` stays silent. @source RFC 9110 §10.1.1 */
const continueMs = 1000;

/**
 * Each address is tried until one takes the connection; nothing is sent twice.
 * @throws NetworkError of every code but `network/host-key`; what the body throws.
 */
export async function sendHttp(request: HttpRequest): Promise<HttpAnswer> {
  const url = parseUrl(request.url);
  const socket = await openAny(url, request);
  const peer = peerName(url.host.replace(/:\d+$/, ''), portOf(url));
  let guard: StallGuard | undefined;
  const abort = new AbortController();
  try {
    return await new Promise<HttpAnswer>((resolve, reject) => {
      const fail = (failure: unknown) => reject(failure);
      guard = guardAgainstStall(socket, request.stallMs, () =>
        fail(new NetworkError('network/stalled', `Cannot go on with ${peer}: no byte moved for ${request.stallMs} ms`)),
      );
      const giveUp = () => fail(new NetworkError('network/broken', `Cannot go on with ${peer}: it was given up`));
      if (request.signal?.aborted) return giveUp();
      request.signal?.addEventListener('abort', giveUp, { signal: abort.signal });
      exchange({ url, request, socket, guard, peer, over: abort.signal }).then(resolve, fail);
    });
  } finally {
    abort.abort();
    guard?.end();
    socket.destroy();
  }
}

/** @throws NetworkError that does not repeat what may hold a secret. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new NetworkError('network/protocol', 'Cannot send a request: its URL is none of http or https without a name and a password');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

async function openAny(url: URL, { addresses, connectMs, tls, signal }: HttpRequest): Promise<Socket> {
  const name = url.hostname.replace(/^\[|\]$/g, '');
  let failure: unknown = new NetworkError('network/unreachable', `Cannot reach ${peerName(name, portOf(url))}: it has no address`);
  for (const address of addresses ?? (await resolveName(name, connectMs))) {
    const options = { address, port: portOf(url), limitMs: connectMs, signal };
    try {
      return await openConnection(url.protocol === 'https:' ? { ...options, tls: { ...tls, name } } : options);
    } catch (cause) {
      failure = cause;
      if (signal?.aborted) break;
    }
  }
  throw failure;
}

type Exchange = {
  readonly url: URL;
  readonly request: HttpRequest;
  readonly socket: Socket;
  readonly guard: StallGuard;
  readonly peer: string;
  /** Nobody waits for the answer any more. */
  readonly over: AbortSignal;
};

async function exchange({ url, request, socket, guard, peer, over }: Exchange): Promise<HttpAnswer> {
  const client = startRequest({
    method: request.method,
    path: `${url.pathname}${url.search}`,
    headers: headersOf(url, request),
    createConnection: () => socket,
    maxHeaderSize: mostHeaderBytes,
    setDefaultHeaders: false,
  });
  const state: BodyState = { stopped: false };
  over.addEventListener('abort', () => {
    state.stopped = true;
    client.destroy();
  });
  const answer = firstAnswer(client, peer);
  const stop = () => {
    state.stopped = true;
    guard.watch(true);
  };
  answer.then(stop, stop);
  if (Object.keys(request.headers ?? {}).some((name) => name.toLowerCase() === 'expect')) await untilContinue(client, answer);
  const { mostAnswerBytes = 2 ** 20, answerMs = longestAnswerMs } = request;
  const late = () => new NetworkError('network/stalled', `Cannot read the answer of ${peer}: not begun after ${answerMs} ms`);
  const sending = sendBody(client, request, guard, state);
  const message = await Promise.race([answer, sending.then(() => within(answerMs, answer, late))]);
  return finishAnswer(message, { peer, mostBytes: mostAnswerBytes, limitMs: answerMs });
}

function headersOf(url: URL, { headers, body }: HttpRequest): Record<string, string> {
  const given = Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  const defaults: Record<string, string> = { host: url.host, connection: 'close' };
  if (body instanceof Uint8Array) defaults['content-length'] = String(body.length);
  else if (body !== undefined && given['content-length'] === undefined) defaults['transfer-encoding'] = 'chunked';
  return { ...defaults, ...given };
}

/** The answer proper, its body unread. Those that come before it are counted. */
function firstAnswer(client: ClientRequest, peer: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let interim = 0;
    const onInterim = () => {
      interim++;
      if (interim > mostInterimAnswers)
        reject(new NetworkError('network/protocol', `Cannot talk HTTP with ${peer}: it announces its answer without end`));
    };
    client.on('continue', onInterim);
    client.on('information', onInterim);
    client.once('upgrade', () => reject(new NetworkError('network/protocol', `Cannot talk HTTP with ${peer}: it wants another protocol`)));
    client.once('response', resolve);
    // Stays for what comes later: a connection that breaks behind the answer is nothing to us.
    client.on('error', (cause) => reject(brokenError(peer, cause)));
    client.once('close', () =>
      reject(new NetworkError('network/broken', `Cannot go on with ${peer}: the connection ended without an answer`)),
    );
  });
}

/** The server may refuse by headers alone, which spares both sides the body. */
function untilContinue(client: ClientRequest, answer: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, continueMs);
    const go = () => {
      clearTimeout(timer);
      resolve();
    };
    client.once('continue', go);
    answer.then(go, go);
    client.flushHeaders();
  });
}
