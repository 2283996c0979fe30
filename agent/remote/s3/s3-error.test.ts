import t from 'tap';
import { errorIn, s3ErrorFrom } from './s3-error.ts';

const asked = { what: 'upload part 3', where: 's3://b/k', secrets: ['AKIDSECRET'], nowMs: 0 };

function answer(status: number, xml = '', headers: Record<string, string> = {}) {
  return { status, headers, body: new TextEncoder().encode(xml) };
}

function error(code: string, rest = '') {
  return `<Error><Code>${code}</Code><Message>words</Message>${rest}</Error>`;
}

t.test('each answer of a store has its code', async (t) => {
  for (const [status, code, expected] of [
    [404, 'NoSuchBucket', 'missing'],
    [403, 'AccessDenied', 'forbidden'],
    [403, 'InvalidAccessKeyId', 'auth'],
    [403, 'SignatureDoesNotMatch', 'auth'],
    [403, 'RequestTimeTooSkewed', 'clock'],
    [400, 'ExpiredToken', 'expired'],
    [503, 'SlowDown', 'server'],
    [500, 'InternalError', 'server'],
    [400, 'RequestTimeout', 'server'],
    [200, 'InternalError', 'server'],
    [200, 'SomethingNew', 'server'],
    [301, 'PermanentRedirect', 'redirect'],
    [307, 'TemporaryRedirect', 'redirect'],
    [400, 'EntityTooLarge', 'too-large'],
    [403, 'QuotaExceeded', 'no-space'],
    [507, 'XMinioStorageFull', 'no-space'],
    [501, 'NotImplemented', 'unsupported'],
    [400, 'constructor', 'unsupported'],
    [400, 'AuthorizationHeaderMalformed', 'auth'],
  ] as const) {
    const found = s3ErrorFrom(answer(status, error(code)), asked);
    t.equal(found.code, `remote/${expected}`, `${status} ${code}`);
    t.equal(found.s3Code, code);
    t.match(found.message, `Cannot upload part 3 at s3://b/k: the store answered ${status}, ${code}: words`);
  }
  for (const [status, expected] of [
    [301, 'redirect'],
    [401, 'auth'],
    [403, 'forbidden'],
    [404, 'missing'],
    [413, 'too-large'],
    [429, 'server'],
    [502, 'server'],
    [507, 'no-space'],
    [418, 'unsupported'],
  ] as const) {
    t.equal(s3ErrorFrom(answer(status, '<html>'), asked).code, `remote/${expected}`, `${status}`);
  }
});

t.test('the hint names the right region, endpoint and times', async (t) => {
  const region = s3ErrorFrom(answer(400, error('AuthorizationHeaderMalformed', '<Region>eu-north-1</Region>')), asked);
  t.match(region, { code: 'remote/redirect', hint: /region=eu-north-1/ });
  t.match(s3ErrorFrom(answer(301, '', { 'x-amz-bucket-region': 'eu-west-3' }), asked).hint, /region=eu-west-3/);
  t.match(s3ErrorFrom(answer(307, error('TemporaryRedirect', '<Endpoint>b.s3.test</Endpoint>')), asked).hint, /b\.s3\.test/);
  const clock = s3ErrorFrom(answer(403, error('RequestTimeTooSkewed'), { date: 'Sat, 21 Nov 2026 08:00:00 GMT' }), asked);
  t.match(clock.hint, /1970-01-01T00:00:00.*2026-11-21T08:00:00/);
});

t.test('a server that repeats a secret, or plays with the terminal, does not get its way', async (t) => {
  const found = s3ErrorFrom(answer(403, '<Error><Code>X</Code><Message>AKIDSECRET \u009b2J\n</Message></Error>'), asked);
  t.notMatch(found.message, /AKIDSECRET|\u009b|\n/);
});

t.test('only an element of that name is an error', async (t) => {
  t.equal(errorIn(answer(200, '<CompleteMultipartUploadResult/>').body), undefined);
  t.equal(errorIn(answer(200, '').body), undefined);
  t.equal(errorIn(answer(200, `  \n${error('A')}`).body)?.name, 'Error');
});
