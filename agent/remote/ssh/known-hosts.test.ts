import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findPinnedKeys, formatKnownHosts, hostKeyFingerprint } from './known-hosts.ts';

/** A key of that kind, as far as its first field goes. */
function key(type: string, content: number): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return `${type} ${Buffer.concat([length, Buffer.from(type), Buffer.alloc(36, content)]).toString('base64')}`;
}

const [a, b, c] = [key('ssh-ed25519', 1), key('ssh-ed25519', 2), key('ssh-rsa', 3)];
const trusted = (text: string, host: string, port = 22) => findPinnedKeys(text, host, port).trusted;

t.test('names, lists of names, patterns, and names that are left out', async (t) => {
  t.same(trusted(`server ${a}\n`, 'server'), [a]);
  t.same(trusted(`server,192.0.2.1 ${a} root@server\n`, '192.0.2.1'), [a]);
  t.same(trusted(`Server ${a}`, 'sERVER'), [a]);
  t.same(trusted(`*.example.com,!bad.example.com ${a}`, 'good.example.com'), [a]);
  t.same(trusted(`*.example.com,!bad.example.com ${a}`, 'bad.example.com'), []);
  t.same(trusted(`!* ${a}`, 'server'), []);
  t.same(trusted(`192.0.2.? ${a}`, '192.0.2.7'), [a]);
  t.same(trusted(`192.0.2.? ${a}`, '192.0.2.77'), []);
  t.same(trusted(`2001:db8::1 ${a}`, '2001:DB8::1'), [a]);
  t.same(trusted(`serve ${a}\nservers ${a}\n#server ${a}\n`, 'server'), []);
});

t.test('a pattern of many stars takes no time', async (t) => {
  t.same(trusted(`${'*a'.repeat(100)}b ${a}`, 'a'.repeat(253)), []);
  t.same(trusted(`${'*a'.repeat(100)} ${a}`, 'a'.repeat(253)), [a]);
});

t.test('several keys of several kinds, each once', async (t) => {
  t.same(trusted(`server ${a}\nserver ${c}\r\n  server ${a} again\n`, 'server'), [a, c]);
});

t.test('a port of its own has lines of its own, else those of the host count', async (t) => {
  t.same(trusted(`server ${a}\n[server]:2222 ${b}\n`, 'server', 2222), [b]);
  t.same(trusted(`server ${a}\n[server]:2222 ${b}\n`, 'server'), [a]);
  t.same(trusted(`server ${a}\n`, 'server', 2222), [a]);
  t.same(trusted(`[server]:2222 ${b}\n`, 'server', 2223), []);
});

t.test('a revoked key is never trusted; a key of an authority is no host key', async (t) => {
  t.same(findPinnedKeys(`server ${a}\nserver ${c}\n@revoked * ${a}\n`, 'server', 22), { trusted: [c], revoked: [a] });
  t.same(findPinnedKeys(`[server]:22022 ${a}\n@revoked server ${a}\n`, 'server', 22022), { trusted: [], revoked: [a] });
  t.same(trusted(`@cert-authority * ${a}\n@unheard-of server ${b}\n`, 'server'), []);
});

t.test('lines that cannot be understood pin nothing', async (t) => {
  const [type = '', base64 = ''] = a.split(' ');
  for (const line of [
    'server',
    `server ${type}`,
    `server ssh-rsa ${base64}`,
    `server ${type} *${base64}`,
    `server ${type} AAAA`,
    `@revoked`,
    `|1|x ${a}`,
    '||',
  ])
    t.same(findPinnedKeys(`${line}\n`, 'server', 22), { trusted: [], revoked: [] }, line);
  const good = `server ${a}\n`;
  for (let length = 0; length < good.length; length++)
    t.ok(trusted(good.slice(0, length), 'server').every((found) => a.startsWith(found.slice(0, 30))));
});

t.test('what ssh-keygen hashes is found, and its fingerprints are ours', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-known-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const run = (...words: string[]) => spawnSync('ssh-keygen', words, { encoding: 'utf8' });
  run('-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key'));
  const real = readFileSync(join(folder, 'key.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const path = join(folder, 'known_hosts');
  writeFileSync(path, formatKnownHosts('server', 22, [real]) + formatKnownHosts('Server', 2222, [b]));
  t.equal(run('-H', '-f', path).status, 0);
  const hashed = readFileSync(path, 'utf8');
  t.notMatch(hashed, 'server');
  t.same(trusted(hashed, 'server'), [real]);
  t.same(trusted(hashed, 'SERVER', 2222), [b]);
  t.same(trusted(hashed, 'other'), []);
  t.match(run('-l', '-f', join(folder, 'key.pub')).stdout, `${hostKeyFingerprint(real)} `);
});
