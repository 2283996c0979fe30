import t from 'tap';
import { readAccessKey } from './access-key.ts';

const key = { kind: 's3', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'sEcReT/+=word' };

t.test('the forms in which access keys are kept', async (t) => {
  const forms: readonly (readonly [string, object])[] = [
    ['AKIDEXAMPLE\nsEcReT/+=word\n', {}],
    ['AKIDEXAMPLE\r\nsEcReT/+=word\r\n', {}],
    ['AKIDEXAMPLE:sEcReT/+=word', {}],
    ['AKIDEXAMPLE\nsEcReT/+=word\nTOKEN\n', { sessionToken: 'TOKEN' }],
    ['[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key=sEcReT/+=word\n[other]\naws_access_key_id = NO\n', {}],
    ['{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"sEcReT/+=word"}', {}],
    [
      '{"Credentials":{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"sEcReT/+=word","SessionToken":"T","Expiration":"2026-11-21T10:00:00+01:00"}}',
      { sessionToken: 'T', expiresAt: '2026-11-21T09:00:00.000Z' },
    ],
    ['{"url":"https://store","accessKey":"AKIDEXAMPLE","secretKey":"sEcReT/+=word","api":"s3v4"}', {}],
  ];
  for (const [text, more] of forms) t.same(readAccessKey(text), { ...key, ...more });
});

t.test('a section of an ini file by its name', async (t) => {
  const text =
    '[default]\naws_access_key_id=NO1\naws_secret_access_key=NO2\n[profile dumps]\naws_access_key_id=AKIDEXAMPLE\naws_secret_access_key=sEcReT/+=word\n';
  t.same(readAccessKey(text, 'dumps'), key);
  t.throws(() => readAccessKey(text, 'absent'), { code: 'target-set-up/secret' });
});

t.test('what is none is refused without a word of it, cut at every length too', async (t) => {
  for (const text of [
    '',
    'hidden',
    'hidden\0word',
    '{"AccessKeyId":5}',
    '{ hidden',
    '[default]\nhidden=1',
    'a b c d',
    'ab:cd',
    `id:${'x'.repeat(300)}`,
  ]) {
    t.throws(() => readAccessKey(text), { code: 'target-set-up/secret', message: /^(?!.*hidden)/ }, JSON.stringify(text.slice(0, 20)));
  }
  const whole = '{"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"sEcReT/+=word"}';
  for (let end = 0; end < whole.length; end++) t.throws(() => readAccessKey(whole.slice(0, end)), { code: 'target-set-up/secret' });
});
