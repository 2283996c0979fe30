import t from 'tap';
import type { RemotePlace } from './remote-place.ts';
import { formatRemoteUrl, isPlace, looksLikeUrl, parseRemoteUrl } from './remote-url.ts';
import { Random } from '../testing/fuzz.ts';

const amazon = {
  kind: 's3',
  bucket: 'crashes',
  prefix: '',
  endpoint: 'https://s3.eu-central-1.amazonaws.com',
  region: 'eu-central-1',
} as const;
const store = {
  kind: 's3',
  bucket: 'crashes',
  prefix: 'fleet/a',
  endpoint: 'https://store.example.org:9000',
  region: 'us-east-1',
} as const;

/** Each with the place, and how it is written when it is not as it was. */
const places: [url: string, place: RemotePlace, written?: string][] = [
  ['ssh://dumps@srv.example.org', { kind: 'ssh', user: 'dumps', host: 'srv.example.org', port: 22, path: undefined }],
  ['ssh://dumps@srv/', { kind: 'ssh', user: 'dumps', host: 'srv', port: 22, path: undefined }, 'ssh://dumps@srv'],
  [
    'sftp://me@SRV:2222/var/crash/',
    { kind: 'ssh', user: 'me', host: 'srv', port: 2222, path: '/var/crash' },
    'ssh://me@srv:2222/var/crash',
  ],
  ['ssh://me@srv/~/crash/a', { kind: 'ssh', user: 'me', host: 'srv', port: 22, path: '~/crash/a' }],
  ['ssh://me@[2001:DB8::1]:22/x', { kind: 'ssh', user: 'me', host: '2001:db8::1', port: 22, path: '/x' }, 'ssh://me@[2001:db8::1]/x'],
  ['ssh://me@[fe80::1%25enP1]/x', { kind: 'ssh', user: 'me', host: 'fe80::1%enP1', port: 22, path: '/x' }],
  ['ssh://corp%40ad@srv/my%20crash', { kind: 'ssh', user: 'corp@ad', host: 'srv', port: 22, path: '/my crash' }],
  [
    'ssh://me@192.0.2.7/größe',
    { kind: 'ssh', user: 'me', host: '192.0.2.7', port: 22, path: '/größe' },
    'ssh://me@192.0.2.7/gr%C3%B6%C3%9Fe',
  ],
  ['https://d.example.org', { kind: 'http', secure: true, host: 'd.example.org', port: 443, path: '/' }, 'https://d.example.org/'],
  [
    'https://d.example.org:443/a/b/',
    { kind: 'http', secure: true, host: 'd.example.org', port: 443, path: '/a/b' },
    'https://d.example.org/a/b',
  ],
  ['http://d:8080/a%20b+c', { kind: 'http', secure: false, host: 'd', port: 8080, path: '/a%20b+c' }],
  ['http://d:443/', { kind: 'http', secure: false, host: 'd', port: 443, path: '/' }],
  ['s3://crashes?region=eu-central-1', { ...amazon, style: 'virtual' }],
  ['s3://crashes/?region=eu-central-1&style=path', { ...amazon, style: 'path' }, 's3://crashes?region=eu-central-1&style=path'],
  ['s3://my.crashes?region=eu-central-1', { ...amazon, bucket: 'my.crashes', style: 'path' }],
  ['s3://123?region=eu-central-1', { ...amazon, bucket: '123', style: 'virtual' }],
  [
    's3://crashes?region=cn-north-1',
    { ...amazon, region: 'cn-north-1', endpoint: 'https://s3.cn-north-1.amazonaws.com.cn', style: 'virtual' },
  ],
  [
    's3://crashes/fleet/a/?endpoint=https://store.example.org:9000',
    { ...store, style: 'path' },
    's3://crashes/fleet/a?endpoint=https://store.example.org:9000',
  ],
  [
    's3://crashes/fleet/a?endpoint=https%3A%2F%2Fstore.example.org:9000/&style=virtual',
    { ...store, style: 'virtual' },
    's3://crashes/fleet/a?endpoint=https://store.example.org:9000&style=virtual',
  ],
  [
    's3://crashes/fleet/a?endpoint=store.example.org:9000&region=default',
    { ...store, region: 'default', style: 'path' },
    's3://crashes/fleet/a?endpoint=https://store.example.org:9000&region=default',
  ],
  [
    's3://my_crashes?endpoint=http://[2001:db8::1]:80',
    { ...store, bucket: 'my_crashes', prefix: '', endpoint: 'http://[2001:db8::1]', style: 'path' },
    's3://my_crashes?endpoint=http://[2001:db8::1]',
  ],
];

for (const [url, place, written = url] of places) {
  t.test(`${url} is a place, and is written again`, async (t) => {
    t.same(parseRemoteUrl(url), place);
    t.equal(formatRemoteUrl(place), written);
    t.same(parseRemoteUrl(written), place);
    t.ok(looksLikeUrl(url));
    t.ok(isPlace(place));
  });
}

const mistakes: [url: string, message: RegExp, hint: RegExp][] = [
  ['', /expected SCHEME/, /ssh:/],
  ['ssh:me@srv', /expected SCHEME/, /ssh:/],
  ['srv:/x', /expected SCHEME/, /./],
  ['ftp://srv/x', /begins with ftp/, /^$/],
  ['scp://me@srv/x', /begins with scp/, /ssh:/],
  ['nfs://srv/x', /begins with nfs/, /nfs HOST/],
  ['ssh://srv/x', /nobody is said to log in at srv/, /USER@srv/],
  ['ssh://@srv/x', /nobody/, /USER@/],
  ['ssh://-oProxyCommand=x@srv/', /user of this URL/, /^$/],
  ['ssh://a%20b@srv/', /user of this URL/, /^$/],
  ['ssh://me@/x', /names no host/, /^$/],
  ['ssh://me@-srv/x', /expected a name or an address/, /^$/],
  ['ssh://me@srv..org/x', /expected a name or an address/, /^$/],
  ['ssh://me@größe.de/x', /expected a name or an address/, /xn--/],
  [`ssh://me@${'a.'.repeat(127)}/x`, /expected a name/, /^$/],
  ['ssh://me@300.1.1.1/x', /four numbers/, /^$/],
  ['ssh://me@1.2.3/x', /four numbers/, /^$/],
  ['ssh://me@2001:db8::1/x', /without brackets/, /Write \[2001:db8::1\]/],
  ['ssh://me@[2001:db8::1/x', /host is none/, /^$/],
  ['ssh://me@[srv]/x', /IPv6/, /^$/],
  ['ssh://me@[::1%25a/b]/x', /host is none/, /^$/],
  ['ssh://me@srv:/x', /the port/, /no colon/],
  ['ssh://me@srv:0/x', /the port/, /no colon/],
  ['ssh://me@srv:65536/x', /the port/, /no colon/],
  ['ssh://me@srv:22x/x', /the port/, /no colon/],
  ['ssh://me@srv/a/../b', /must not go by "\.\."/, /^$/],
  ['ssh://me@srv/a/%2e%2E/b', /must not go by/, /^$/],
  ['ssh://me@srv/a//b', /two slashes/, /^$/],
  ['ssh://me@srv/a%2fb', /encoded slash/, /^$/],
  ['ssh://me@srv/a%00b', /control character/, /^$/],
  ['ssh://me@srv/a%0ab', /control character/, /^$/],
  ['ssh://me@srv/a%zz', /two digits/, /%25/],
  ['ssh://me@srv/%ff', /two digits/, /%25/],
  ['ssh://me@srv/a b', /character in it/, /%20/],
  ['ssh://me@srv/a\nb', /character in it/, /./],
  ['ssh://me@srv/~', /behind \/~\//, /crash/],
  ['ssh://me@srv/~you/x', /behind \/~\//, /crash/],
  ['ssh://me@srv/x?y=z', /nothing may follow "\?"/, /^$/],
  ['ssh://me@srv/x#y', /nothing may follow "#"/, /%23/],
  [`ssh://me@srv/${'a'.repeat(3000)}`, /3013 characters/, /^$/],
  ['https://srv/x?sig=y', /nothing may follow "\?"/, /added/],
  ['s3://crashes', /neither endpoint nor region/, /region=/],
  ['s3://crashes:9000?region=a', /no port/, /endpoint/],
  ['s3://Crashes?region=a', /bucket/, /^$/],
  ['s3://ab?region=a', /bucket/, /^$/],
  ['s3://a..b?region=a', /bucket/, /^$/],
  ['s3://?region=a', /bucket/, /^$/],
  ['s3://[::1]?region=a', /bucket/, /^$/],
  ['s3://crashes?region=', /region of this URL/, /eu-central/],
  ['s3://crashes?region=evil.example.org/', /region of this URL/, /./],
  ['s3://crashes?region=a@evil', /region of this URL/, /./],
  ['s3://crashes?region=a&region=b', /region twice/, /^$/],
  ['s3://crashes?regoin=a', /expected endpoint, region or style/, /"region"/],
  ['s3://crashes?region=a&', /NAME=VALUE/, /^$/],
  ['s3://crashes?region=a&style=host', /expected path or virtual/, /^$/],
  ['s3://crashes?endpoint=ftp://x', /https:\/\/HOST/, /^$/],
  ['s3://crashes?endpoint=https://x/y', /nothing may follow the host/, /in front/],
  ['s3://crashes?endpoint=http://[fe80::1%2525eth0]:9000', /link-local/, /^$/],
  ['s3://my_crashes?region=a', /"_"/, /style=path/],
  ['s3://crashes?endpoint=http://192.0.2.1:9000&style=virtual', /an address/, /style=path/],
  [`s3://crashes/${'ä'.repeat(301)}?region=a`, /600 bytes/, /^$/],
];

for (const [url, message, hint] of mistakes) {
  t.test(`${JSON.stringify(url.slice(0, 80))} is refused`, async (t) => {
    try {
      parseRemoteUrl(url, '/etc/kcapture.conf:3');
      t.fail('it was taken');
    } catch (error) {
      t.match(error, { code: 'config/value', where: '/etc/kcapture.conf:3', message });
      t.match((error as { hint?: string }).hint ?? '', hint);
    }
  });
}

t.test('a secret in a URL is refused with the way to give it, and never repeated', async (t) => {
  const secret = 'hunter2T0K3N';
  const urls = [
    `ssh://me:${secret}@srv/x`,
    `https://me:${secret}@srv/x`,
    `https://${secret}@srv/x`,
    `http://me:${secret}/x@srv/`,
    `https://me:${secret}#x@srv/`,
    `https://srv/x?token=${secret}`,
    `https://srv/x#${secret}`,
    `https://${secret}$@/`,
    `https://srv:${secret}/`,
    `s3://AKIA:${secret}@bucket/x?region=a`,
    `s3://bucket/x?region=a&secretAccessKey=${secret}`,
    `s3://bucket/x?region=a&${secret}`,
    `s3://bucket/x?region=a&${secret}=`,
    `s3://bucket?endpoint=https://me:${secret}@store`,
    `s3://bucket?endpoint=https://store/${secret}`,
    `s3://bucket?region=$${secret}`,
    `ssh://me@srv/%zz${secret}`,
    `ftp://me:${secret}@srv`,
    `${secret}`,
  ];
  for (const url of urls) {
    try {
      parseRemoteUrl(url);
      t.fail(`taken: ${url}`);
    } catch (error) {
      const { message, hint, cause } = error as { message: string; hint?: string; cause?: unknown };
      t.notMatch(JSON.stringify([message, hint, String(cause), String(error)]).toLowerCase(), secret.toLowerCase(), url);
    }
  }
  for (const url of urls.slice(0, 3)) t.throws(() => parseRemoteUrl(url), { code: 'config/value', hint: /kcapture target add/ });
});

t.test('cut or changed anywhere, a URL is a place that can be written and read, or an error', async (t) => {
  const random = new Random(7);
  for (const [url] of places) {
    const damaged = Array.from(url, (_each, at) => url.slice(0, at));
    for (let i = 0; i < 200; i++) {
      const at = random.below(url.length);
      damaged.push(
        url.slice(0, at) +
          random.pick(['%', '@', '/', ':', '?', '#', '..', '&', '\0', ' ', 'é', '[', "'"]) +
          url.slice(at + random.below(3)),
      );
    }
    for (const text of damaged) {
      let place: RemotePlace;
      try {
        place = parseRemoteUrl(text);
      } catch (error) {
        if ((error as { code?: string }).code !== 'config/value') t.fail(`${text}: ${error}`);
        continue;
      }
      const again = parseRemoteUrl(formatRemoteUrl(place));
      if (JSON.stringify(again) !== JSON.stringify(place)) t.same(again, place, text);
    }
  }
});
