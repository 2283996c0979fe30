import t from 'tap';
import { KcaptureError } from '../errors.ts';
import { NetworkError } from '../sys/network-error.ts';
import { RemoteError } from './remote-store.ts';
import { remoteErrorFrom, retrying } from './retry.ts';

function context(retryMs: number) {
  const notes: string[] = [];
  const limits = { connectMs: 20, stallMs: 20, retryMs, bufferBytes: 1 };
  const place = { kind: 'http', secure: true, host: 'dumps.example', port: 443, path: '/' } as const;
  return { notes, place, limits, onNote: (sentence: string) => notes.push(sentence) };
}

t.test('what broke is tried again, and said', async (t) => {
  const place = context(20_000);
  let attempts = 0;
  const result = await retrying(place, 'save "x"', async () => {
    attempts++;
    if (attempts === 1) throw new NetworkError('network/broken', 'the connection broke');
    return 'done';
  });
  t.equal(result, 'done');
  t.equal(attempts, 2);
  t.same(place.notes, ['Cannot save "x": the connection broke; trying again in 0.5 s']);
});

t.test('what cannot succeed is tried once', async (t) => {
  for (const code of [
    'auth',
    'untrusted',
    'forbidden',
    'missing',
    'no-space',
    'too-large',
    'redirect',
    'expired',
    'clock',
    'unsupported',
  ]) {
    let attempts = 0;
    const attempt = async () => {
      attempts++;
      throw new RemoteError(`remote/${code}`, 'no');
    };
    await t.rejects(retrying(context(20_000), 'try', attempt), { code: `remote/${code}` });
    t.equal(attempts, 1, code);
  }
});

t.test('the time for attempts has an end', async (t) => {
  let attempts = 0;
  const attempt = async () => {
    attempts++;
    throw new RemoteError('remote/server', 'no');
  };
  await t.rejects(retrying(context(600), 'try', attempt), { code: 'remote/server' });
  t.equal(attempts, 2);
});

t.test('an attempt that hangs is told when the time is over', async (t) => {
  const attempt = (signal: AbortSignal) =>
    new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(new NetworkError('network/broken', 'it was given up')), { once: true }),
    );
  const alive = setTimeout(() => {}, 10_000);
  await t.rejects(retrying(context(50), 'try', attempt), { code: 'remote/broken' });
  clearTimeout(alive);
});

t.test('a fault of ours is not hidden', async (t) => {
  const fault = new TypeError('mine');
  await t.rejects(
    retrying(context(20_000), 'try', () => Promise.reject(fault)),
    fault,
  );
  t.throws(() => remoteErrorFrom(new KcaptureError('files/open', 'not of the network'), 'https://dumps.example/'), { code: 'files/open' });
});

t.test('each failure of the network has its code', (t) => {
  const expected = {
    unreachable: 'unreachable',
    name: 'unreachable',
    certificate: 'untrusted',
    'host-key': 'untrusted',
    auth: 'auth',
    stalled: 'stalled',
    broken: 'broken',
    protocol: 'unsupported',
    limit: 'unsupported',
  } as const;
  for (const [from, to] of Object.entries(expected)) {
    const failure = new NetworkError(`network/${from as keyof typeof expected}`, 'found', { hint: 'do this' });
    const error = remoteErrorFrom(failure, 'https://dumps.example/x');
    t.match(error, { code: `remote/${to}`, message: 'found', hint: 'do this', where: 'https://dumps.example/x' });
  }
  t.end();
});
