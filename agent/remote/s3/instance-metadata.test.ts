import { createServer, type IncomingMessage } from 'node:http';
import t from 'tap';
import { createNetwork } from '../../sys/network.ts';
import { readInstanceCredentials } from './instance-metadata.ts';

type Test = { readonly teardown: (handler: () => unknown) => unknown };

const fields = {
  Code: 'Success',
  AccessKeyId: 'AKID',
  SecretAccessKey: 'hidden/secret',
  Token: 'session==',
  Expiration: '2026-11-21T12:00:00Z',
};

/** The service of an instance, with tokens, on the loopback. @param answers of the two pages; `undefined`: 404 */
async function serve(test: Test, { role = 'dumps', page = JSON.stringify(fields) }: { role?: string; page?: string | undefined }) {
  const answer = (request: IncomingMessage): [number, string] => {
    if (request.method === 'PUT' && request.url === '/latest/api/token')
      return request.headers['x-aws-ec2-metadata-token-ttl-seconds'] === '300' ? [200, 'a-token'] : [400, ''];
    if (request.headers['x-aws-ec2-metadata-token'] !== 'a-token') return [401, ''];
    if (request.url === '/latest/meta-data/iam/security-credentials/') return role === '' ? [404, ''] : [200, `${role}\nanother\n`];
    return request.url === `/latest/meta-data/iam/security-credentials/${role}` ? [200, page] : [404, ''];
  };
  const server = createServer((request, response) => {
    const [status, text] = answer(request);
    request.resume();
    response.writeHead(status).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  test.teardown(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

t.test('the credentials of the role are read, with the time of their end', async (t) => {
  const base = await serve(t, {});
  t.same(await readInstanceCredentials(createNetwork(), { base }), {
    kind: 's3',
    accessKeyId: 'AKID',
    secretAccessKey: 'hidden/secret',
    sessionToken: 'session==',
    expiresAt: '2026-11-21T12:00:00.000Z',
  });
});

t.test('what makes no sense is refused, and not repeated', async (t) => {
  for (const page of [
    '',
    '[]',
    'null',
    '{"hidden',
    '{}',
    JSON.stringify({ ...fields, Token: 'two words' }),
    JSON.stringify({ ...fields, Expiration: 1 }),
  ]) {
    const base = await serve(t, { page });
    const error = await readInstanceCredentials(createNetwork(), { base }).then(
      () => undefined,
      (reason) => reason,
    );
    t.match(error, { code: 'remote/auth' }, page);
    t.notMatch(`${error?.message} ${error?.cause ?? ''}`, /hidden/);
  }
  const large = await serve(t, { page: 'x'.repeat(200_000) });
  await t.rejects(readInstanceCredentials(createNetwork(), { base: large }), { code: 'remote/unsupported' });
  const odd = await serve(t, { role: '../user-data' });
  await t.rejects(readInstanceCredentials(createNetwork(), { base: odd }), { code: 'remote/auth' });
});

t.test('an instance without a role, and no instance, are told apart', async (t) => {
  const base = await serve(t, { role: '' });
  await t.rejects(readInstanceCredentials(createNetwork(), { base }), { code: 'remote/missing', hint: /role/ });
  await t.rejects(readInstanceCredentials(createNetwork(), { base: 'http://127.0.0.1:1' }), { code: 'remote/unreachable' });
});
