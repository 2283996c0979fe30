import t from 'tap';
import { credentialsFolder, formatSecret, isCredentialsFolder, parseSecret } from './credential-files.ts';
import { credentialsRoot, type Secret } from './credentials.ts';
import { parseRemoteUrl } from './remote-url.ts';

const folderOf = (url: string) => credentialsFolder(parseRemoteUrl(url));

t.test('a folder tells whose credentials lie in it', async (t) => {
  t.match(folderOf('ssh://dumps@srv.example.org:2222/x'), /^\/etc\/kcapture\/targets\/ssh-dumps-at-srv\.example\.org-2222-[0-9a-f]{12}$/);
  t.match(folderOf('https://d.example.org/a/b'), /\/https-d\.example\.org-a-b-[0-9a-f]{12}$/);
  t.match(folderOf('s3://crashes/fleet?endpoint=https://store'), /\/s3-crashes-fleet-https-store-[0-9a-f]{12}$/);
});

t.test('where on the server is no matter for ssh, nor region and style for s3', async (t) => {
  t.equal(folderOf('ssh://me@srv/a'), folderOf('sftp://me@SRV:22'));
  t.equal(folderOf('s3://crashes?endpoint=https://a'), folderOf('s3://crashes/?endpoint=https://a&region=b&style=virtual'));
});

t.test('each account has a folder of its own, whose name is safe', async (t) => {
  const urls = [
    ...[
      'ssh://me@srv',
      'ssh://you@srv',
      'ssh://me@srv:23',
      'ssh://me@srv2',
      'ssh://me@[::1]',
      'ssh://me@[::2]',
      'ssh://m%40e@srv',
      'ssh://..@srv',
    ],
    ...[
      'http://srv/',
      'https://srv/',
      'https://srv/a/b',
      'https://srv/a-b',
      'https://srv/a%20b',
      'https://srv/ä',
      `https://srv/${'a'.repeat(900)}`,
    ],
    ...['s3://abc?region=a', 's3://abc?region=b', 's3://abc/x?region=a', 's3://abc?endpoint=https://srv', 's3://abc?endpoint=http://srv'],
  ];
  const folders = urls.map(folderOf);
  t.equal(new Set(folders).size, urls.length);
  for (const folder of folders) {
    t.match(folder, /^\/etc\/kcapture\/targets\/[a-z0-9](?:[a-zA-Z0-9-]|\.(?!\.)){1,99}$/);
    t.ok(isCredentialsFolder(folder), folder);
  }
});

t.test('no other path is such a folder', async (t) => {
  for (const path of [
    '',
    '/',
    credentialsRoot,
    `${credentialsRoot}/`,
    `${credentialsRoot}/..`,
    `${credentialsRoot}/a/b`,
    `${credentialsRoot}/a/../b`,
  ]) {
    t.notOk(isCredentialsFolder(path), path);
  }
  for (const path of [
    `${credentialsRoot}x/a`,
    '/etc/kcapture/targets2/a',
    '/root/.ssh',
    `${credentialsRoot}/a\n`,
    `${credentialsRoot}/-a`,
  ]) {
    t.notOk(isCredentialsFolder(path), path);
  }
});

const secrets: Secret[] = [
  { kind: 'basic', user: 'me', password: 'p: ä"\\/@' },
  { kind: 'basic', user: 'me', password: '' },
  { kind: 'bearer', token: 'abc.def-_~+/=' },
  { kind: 's3', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'a/b+c=' },
  { kind: 's3', accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c==', expiresAt: '2026-11-21T08:00:00Z' },
];

t.test('a secret is read as it was written', async (t) => {
  for (const secret of secrets) t.same(parseSecret(formatSecret(secret)), secret);
  t.same(parseSecret('{"kind":"bearer","token":"a","more":1}'), { kind: 'bearer', token: 'a' }, 'nothing else comes along');
});

const mistakes: [text: string, message: RegExp][] = [
  ['', /no JSON/],
  ['null', /no JSON object/],
  ['["SECRET"]', /no JSON object/],
  ['SECRET', /no JSON/],
  ['{"kind":"SECRET"}', /none of basic, bearer and s3/],
  ['{"kind":"basic","user":"me"}', /password is missing/],
  ['{"kind":"basic","user":"","password":"SECRET"}', /user is empty/],
  ['{"kind":"basic","user":"a:b","password":"SECRET"}', /user holds a character/],
  ['{"kind":"basic","user":"a","password":"SECRET\\n"}', /password holds a character/],
  ['{"kind":"basic","user":"a","password":["SECRET"]}', /password is no text/],
  ['{"kind":"bearer","token":"SECRET\\r\\nX-A: b"}', /token holds a character/],
  ['{"kind":"bearer","token":""}', /token is empty/],
  ['{"kind":"s3","accessKeyId":"SECRET/x","secretAccessKey":"SECRET"}', /accessKeyId holds/],
  ['{"kind":"s3","accessKeyId":"a"}', /secretAccessKey is missing/],
  ['{"kind":"s3","accessKeyId":"a","secretAccessKey":"SECRET","sessionToken":7}', /sessionToken is no text/],
  ['{"kind":"s3","accessKeyId":"a","secretAccessKey":"SECRET","expiresAt":"soon"}', /expiresAt/],
  ['{"kind":"s3","accessKeyId":"a","secretAccessKey":"SECRET","expiresAt":"2026-99-21T08:00:00Z"}', /no time/],
  [`{"kind":"bearer","token":"${'SECRET'.repeat(2000)}"}`, /12000 characters/],
];

for (const [text, message] of mistakes) {
  t.test(`${text.slice(0, 100)} is refused without repeating it`, async (t) => {
    try {
      parseSecret(text);
      t.fail('it was taken');
    } catch (error) {
      t.match(error, { code: 'config/value', message, hint: /kcapture target add/, cause: undefined });
      t.notMatch(JSON.stringify([String(error), (error as { hint?: string }).hint]), 'SECRET');
    }
  });
}

t.test('cut at every length a secret is an error', async (t) => {
  const text = formatSecret(secrets[4]).trimEnd();
  for (let length = 0; length < text.length; length++) t.throws(() => parseSecret(text.slice(0, length)), { code: 'config/value' });
});

t.test('what could not be read is not written', async (t) => {
  t.throws(() => formatSecret({ kind: 'bearer', token: 'a\nb' }), { code: 'config/value' });
});
