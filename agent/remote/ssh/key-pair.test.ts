import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Sshd, startSshd } from '../../testing/servers/sshd.ts';
import { createNetwork } from '../../sys/network.ts';
import { openSshSession } from '../../sys/ssh-client.ts';
import { fetchHostKeys } from './host-keys.ts';
import { makeKeyPair } from './key-pair.ts';

const limits = { connectMs: 5000, stallMs: 10_000, retryMs: 1000, bufferBytes: 1 << 20 };
const network = createNetwork();

function folderFor(test: { readonly teardown: (handler: () => unknown) => unknown }): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-keys-'));
  test.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test('ssh-keygen reads the pair, whatever stands behind it', async (t) => {
  const folder = folderFor(t);
  for (const comment of ['kcapture@server', '', 'a', 'two words', 'a line\nssh-rsa AAAA', 'ü'.repeat(50)]) {
    const { privateKey, publicKey } = makeKeyPair(comment);
    const path = join(folder, 'key');
    writeFileSync(path, privateKey, { mode: 0o600 });
    const { stdout, stderr } = spawnSync('ssh-keygen', ['-y', '-f', path], { encoding: 'utf8' });
    t.equal(stdout, publicKey, stderr);
    t.equal(publicKey.split('\n').length, 2);
  }
  t.not(makeKeyPair('').publicKey, makeKeyPair('').publicKey);
});

t.test('a server lets its owner in', async (t) => {
  const { privateKey, publicKey } = makeKeyPair('kcapture@server');
  const folder = folderFor(t);
  const sshd: Sshd = await startSshd(folder, { authorizedKey: publicKey });
  t.teardown(() => sshd.kill());
  const trust = (key: string) => sshd.hostKeys.includes(key);
  const session = await openSshSession({
    host: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    privateKey,
    trust,
    connectMs: 5000,
    stallMs: 5000,
  });
  t.equal(await session.realPath('/'), '/');
  session.end();
});

t.test('the keys of a server are those it has, and nobody logs in to ask for them', async (t) => {
  const folder = folderFor(t);
  const sshd = await startSshd(folder, { hostKeyTypes: ['rsa', 'ecdsa', 'ed25519'] });
  t.teardown(() => sshd.kill());
  const place = { kind: 'ssh', user: 'root', host: '127.0.0.1', port: sshd.port, path: undefined } as const;
  t.same([...(await fetchHostKeys(network, place, limits))].sort(), [...sshd.hostKeys].sort());
  t.notMatch(sshd.said(), /Accepted|Failed/);
  await sshd.kill();
  await t.rejects(fetchHostKeys(network, place, limits), { code: 'remote/unreachable' });
});
