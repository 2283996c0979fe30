import t from 'tap';
import { redact } from './redact.ts';

const cases: [text: string, shown: string][] = [
  ['https://hooks.example.org/services/T0/B1/x', 'https://hooks.example.org/***'],
  ['notify https://user:pass@example.org:8443/a?token=b#c  # ours', 'notify https://user:***@example.org:8443/***  # ours'],
  ['https://t0ken@example.org/', 'https://***@example.org/'],
  ['https://example.org', 'https://example.org'],
  ['https://example.org?key=x', 'https://example.org/***'],
  ['HTTPS://Example.org/X', 'HTTPS://Example.org/***'],
  ['"https://a.org/x" and \'http://b.org/y\'', '"https://a.org/***" and \'http://b.org/***\''],
  ['ftp://user:pass@host/dir', 'ftp://user:***@host/dir'],
  ['sftp://user@host/dir', 'sftp://user@host/dir'],
  ['cifs://dom;user:p:a:ss@host/share?x=y', 'cifs://dom;user:***@host/share?***'],
  ['https://user:p@ss@host/x', 'https://user:***@host/***'],
  ['target https://dumps.example.org/in/a', 'target https://dumps.example.org/in/a'],
  ['target  "http://me:pass@h/in?x=y"', 'target  "http://me:***@h/in?***"'],
  ['quiet kcapture.target=https://me:pass@h/in x', 'quiet kcapture.target=https://me:***@h/in x'],
  ['s3://crashes/fleet?endpoint=https://store:9000&region=a', 's3://crashes/fleet?endpoint=https://store:9000&region=a'],
  ['s3://crashes?region=a&key=x&style=path', 's3://crashes?region=a&***&style=path'],
  ['s3://AKIA:key@crashes?endpoint=https://me:pass@store', 's3://AKIA:***@crashes?***'],
  ['s3://crashes?region=a#x', 's3://crashes?region=a#***'],
  ['ssh://me@host:22/~/x', 'ssh://me@host:22/~/x'],
  ['ssh://me:pass@host/x', 'ssh://me:***@host/x'],
  ['username=me,password=secret,vers=3', 'username=me,password=***,vers=3'],
  ['rd.iscsi.password=secret quiet', 'rd.iscsi.password=*** quiet'],
  ['KDUMP_SMTP_PASSWORD="two words" x', 'KDUMP_SMTP_PASSWORD=*** x'],
  ['token=abc&x=1', 'token=***&x=1'],
  ['ssh user@my.server.com', 'ssh user@my.server.com'],
  ['nfs [2001:db8::1]:/export', 'nfs [2001:db8::1]:/export'],
  ['ext4 UUID=03138356-5e61-4ab3-b58e-27507ac41937', 'ext4 UUID=03138356-5e61-4ab3-b58e-27507ac41937'],
];

for (const [text, shown] of cases) {
  t.test(text, async (t) => {
    t.equal(redact(text), shown);
    t.equal(redact(shown), shown, 'a second time nothing changes');
  });
}

t.test('a password in the address of a target goes', async (t) => {
  for (const address of [
    'ssh://me:SECRET@h/x',
    'ssh://me:SECRET/x@h/y',
    'https://me:SECRET@h/x',
    'https://me:SECRET/x@h/y',
    'https://SECRET@h/x',
    'https://h/x?token=SECRET',
    'https://h/x#SECRET',
    's3://A:SECRET@b?region=a',
    's3://b?region=a&secretAccessKey=SECRET',
    's3://b?SECRET',
    's3://b?endpoint=https://A:SECRET@h',
    's3://b?endpoint=https%3A%2F%2FA%3ASECRET%40h',
    'nfs://me:SECRET@h/x',
  ]) {
    t.notMatch(redact(`target ${address} # here`), 'SECRET', address);
    t.notMatch(redact(address), 'SECRET', address);
  }
});

t.test('wherever a secret stands in an address of the web, it goes', async (t) => {
  for (const address of [
    'https://SECRET@h.org/',
    'https://a:SECRET@h.org',
    'https://h.org/SECRET',
    'https://h.org/a/SECRET/b',
    'http://h.org/?a=SECRET',
    'https://h.org/#SECRET',
    'https://a:b@SECRET@h.org/x',
    'https://a:SECRET/x@h.org/',
    'https://h.org/a@SECRET',
    'https://h.org/a:b@SECRET/c',
  ]) {
    t.notMatch(redact(`see ${address}, please`), 'SECRET', address);
  }
});
