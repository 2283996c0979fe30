import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { createNetwork } from './network.ts';
import type { HttpRequest } from './network-interface.ts';

const network = createNetwork();
const limits = { connectMs: 5000, stallMs: 5000 };

type Test = { readonly teardown: (handler: () => unknown) => unknown };

/** A server that says what it likes. */
async function server(test: Test, talk: (socket: Socket) => void): Promise<string> {
  const open = new Set<Socket>();
  const listening = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    talk(socket);
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  test.teardown(() => {
    for (const socket of open) socket.destroy();
    listening.close();
  });
  const address = listening.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/folder/name?part=1`;
}

function onBytes(socket: Socket, listener: (bytes: Buffer) => void): void {
  socket.on('data', (chunk) => listener(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
}

/** Says the same thing again and again, as long as somebody listens. */
function repeat(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 1);
  socket.on('close', () => clearInterval(timer));
}

function get(url: string, more: Partial<HttpRequest> = {}) {
  return network.http({ method: 'GET', url, ...limits, ...more });
}

/** One buffer again and again, with other bytes each time. */
async function* pieces(count: number, onPiece: (bytes: Uint8Array) => void = () => {}): AsyncGenerator<Uint8Array> {
  const bytes = new Uint8Array(2 ** 20);
  for (let index = 0; index < count; index++) {
    bytes.fill(index);
    onPiece(bytes);
    yield bytes;
  }
}

/** Takes a body in chunks apart; `undefined`: there is no last chunk. */
function unchunk(message: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = message.indexOf('\r\n\r\n') + 4; ; ) {
    const end = message.indexOf('\r\n', at);
    const length = Number.parseInt(message.subarray(at, end).toString('latin1'), 16);
    if (end < 0 || Number.isNaN(length)) return undefined;
    if (length === 0) return Buffer.concat(parts);
    parts.push(message.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
}

t.test('a stream arrives whole, in chunks, out of one buffer that is used again', async (t) => {
  const heard: Buffer[] = [];
  const url = await server(t, (socket) =>
    onBytes(socket, (chunk) => {
      heard.push(chunk);
      if (chunk.subarray(-5).toString('latin1') === '0\r\n\r\n')
        socket.end('HTTP/1.1 201 Created\r\nX-Sum: a\r\nContent-Length: 2\r\n\r\nok');
    }),
  );
  const hash = createHash('sha256');
  const sent: number[] = [];
  const body = pieces(12, (bytes) => hash.update(bytes));
  const answer = await network.http({ method: 'PUT', url, body, onSent: (bytes) => sent.push(bytes), ...limits });
  t.match(answer, { status: 201, headers: { 'x-sum': 'a' } });
  t.equal(Buffer.from(answer.body).toString(), 'ok');
  const message = Buffer.concat(heard);
  t.match(message.toString('latin1', 0, 200), /^PUT \/folder\/name\?part=1 HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/);
  t.equal(
    createHash('sha256')
      .update(unchunk(message) ?? '')
      .digest('hex'),
    hash.digest('hex'),
  );
  t.equal(sent.at(-1), 12 * 2 ** 20);
  t.ok(sent.every((bytes, index) => index === 0 || bytes > sent[index - 1]));
});

t.test('a server that does not read is not buried in memory, and is a stall', async (t) => {
  const url = await server(t, (socket) => socket.pause());
  let asked = 0;
  const body = pieces(1000, () => asked++);
  await t.rejects(network.http({ method: 'PUT', url, body, connectMs: 5000, stallMs: 300 }), { code: 'network/stalled' });
  t.ok(asked < 32, `${asked} MiB were asked for`);
});

t.test('waiting for the body is no stall', async (t) => {
  const url = await server(t, (socket) =>
    onBytes(socket, (chunk) => {
      if (chunk.subarray(-5).toString('latin1') === '0\r\n\r\n') socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    }),
  );
  const body = (async function* () {
    yield Buffer.from('first');
    await new Promise((resolve) => setTimeout(resolve, 2500));
    yield Buffer.from('second');
  })();
  t.equal((await network.http({ method: 'PUT', url, body, connectMs: 5000, stallMs: 1500 })).status, 204);
});

t.test('an answer in the middle of the body is seen', async (t) => {
  const refusal = 'HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno';
  const manners: ((socket: Socket) => void)[] = [
    (socket) => socket.write(refusal) && socket.resume(),
    (socket) => socket.pause().write(refusal),
    (socket) => socket.pause().end(refusal),
  ];
  for (const manner of manners) {
    const url = await server(t, (socket) => socket.once('data', () => manner(socket)));
    t.equal((await network.http({ method: 'PUT', url, body: pieces(1000), ...limits })).status, 413);
  }
});

t.test('a server that is asked beforehand refuses without any of the body', async (t) => {
  let asked = 0;
  const url = await server(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n')));
  const headers = { expect: '100-continue' };
  t.equal((await network.http({ method: 'PUT', url, headers, body: pieces(9, () => asked++), ...limits })).status, 401);
  t.equal(asked, 0);
});

t.test('a body that fails ends without its last chunk, as does one that is given up', async (t) => {
  let heard: Buffer[] = [];
  let closed: Promise<void> = Promise.resolve();
  const url = await server(t, (socket) => {
    heard = [];
    closed = new Promise((resolve) => socket.on('close', () => resolve()));
    onBytes(socket, (chunk) => heard.push(chunk));
  });
  const failing = (async function* () {
    yield Buffer.from('begun');
    throw new RangeError('mine');
  })();
  await t.rejects(network.http({ method: 'PUT', url, body: failing, ...limits }), RangeError);
  await closed;
  t.match(Buffer.concat(heard).toString(), /begun/);
  t.equal(unchunk(Buffer.concat(heard)), undefined);
  const abort = new AbortController();
  const hanging = (async function* () {
    yield Buffer.from('begun');
    abort.abort();
    await new Promise(() => {});
  })();
  await t.rejects(network.http({ method: 'PUT', url, body: hanging, signal: abort.signal, ...limits }), { code: 'network/broken' });
  await closed;
  t.equal(unchunk(Buffer.concat(heard)), undefined);
});

t.test('redirects are not followed', async (t) => {
  let requests = 0;
  const url = await server(t, (socket) => {
    requests++;
    socket.once('data', () => socket.end('HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n'));
  });
  t.match(await get(url), { status: 302, headers: { location: '/other' } });
  t.equal(requests, 1);
});

t.test('hostile answers', async (t) => {
  const cases: Record<string, [(socket: Socket) => void, string]> = {
    garbage: [(socket) => socket.write('\0\0\0SSH-2.0\r\n\r\n'), 'network/protocol'],
    'headers without end': [
      (socket) => socket.write('HTTP/1.1 200 OK\r\n') && repeat(socket, `x: ${'y'.repeat(1000)}\r\n`),
      'network/limit',
    ],
    'one header without end': [(socket) => socket.write('HTTP/1.1 200 OK\r\nx: ') && repeat(socket, 'y'.repeat(1000)), 'network/limit'],
    'announcements without end': [(socket) => repeat(socket, 'HTTP/1.1 100 Continue\r\n\r\n'), 'network/protocol'],
    'hints without end': [(socket) => repeat(socket, 'HTTP/1.1 103 Hints\r\n\r\n'), 'network/protocol'],
    'another protocol': [(socket) => socket.write('HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'), 'network/protocol'],
    'ten gigabytes': [
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n') && repeat(socket, 'y'.repeat(100_000)),
      'network/limit',
    ],
    'chunks that are none': [(socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nff'), 'network/'],
    'a chunk larger than numbers': [
      (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nff'),
      'network/',
    ],
    'less than announced': [(socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nab'), 'network/broken'],
    nothing: [(socket) => socket.end(), 'network/broken'],
    silence: [() => {}, 'network/stalled'],
  };
  for (const [name, [talk, code]] of Object.entries(cases)) {
    const url = await server(t, (socket) => socket.once('data', () => talk(socket)));
    await t.rejects(get(url, { stallMs: 1500 }), { code: new RegExp(`^${code}`) }, name);
  }
});

t.test('an answer that drips is not waited for without end', async (t) => {
  const drips: Record<string, string> = { headers: 'HTTP/1.1 200 OK\r\nx: ', body: 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n' };
  for (const [part, begin] of Object.entries(drips)) {
    const url = await server(t, (socket) => socket.once('data', () => socket.write(begin) && repeat(socket, 'y')));
    const late = { code: 'network/stalled', message: /Cannot read the answer of 127\.0\.0\.1 port \d+: not (begun|whole) after 300 ms/ };
    await t.rejects(get(url, { answerMs: 300 }), late, part);
  }
});

t.test('no failure shows what we send', async (t) => {
  const url = await server(t, (socket) => socket.once('data', () => socket.end('no\r\n\r\n')));
  for (const authorization of ['Bearer open-sesame', 'Bearer open-sesame\r\nx: y']) {
    const failure = await get(url, { headers: { authorization } }).catch((error: unknown) => error);
    t.ok(failure instanceof Error && !/sesame/.test(`${failure.message} ${failure.stack} ${String(failure.cause)}`));
  }
  const failure = await get('http://somebody:sesame@127.0.0.1/').catch((error: unknown) => error);
  t.match(failure, { code: 'network/protocol' });
  t.notMatch(String(failure), /sesame/);
});

t.test('addresses are tried in turn, names are found', async (t) => {
  const url = await server(t, (socket) => socket.once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n')));
  const named = url.replace('127.0.0.1', 'dumps.invalid');
  t.equal((await get(named, { addresses: ['::1', '127.0.0.1'] })).status, 204);
  await t.rejects(get(named, { addresses: ['::1'] }), { code: 'network/unreachable' });
  await t.rejects(get(named, { addresses: [] }), { code: 'network/unreachable' });
  await t.rejects(get(named), { code: 'network/name' });
  t.same(await network.resolve('[::1]', 1000), ['::1']);
  t.ok((await network.resolve('localhost', 5000)).length > 0);
  const port = Number(new URL(url).port);
  await network.reach('127.0.0.1', port, 5000);
  await t.rejects(network.reach('::1', port, 5000), { code: 'network/unreachable' });
});
