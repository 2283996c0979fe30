import t, { type Test } from 'tap';
import { createRootedSystem, putTree } from '../testing/rooted-system.ts';
import { readCredentials } from './read-credentials.ts';

const folder = '/etc/kcapture/targets/a';

async function read(t: Test, files: Record<string, string>, modes: Record<string, number> = {}) {
  const { root, files: reader } = await createRootedSystem(t.testdir({}));
  putTree(root, files);
  for (const path of Object.keys(files)) reader.setMode(path, modes[path] ?? 0o600);
  const warnings: string[] = [];
  return { credentials: readCredentials(reader, folder, (sentence) => void warnings.push(sentence)), warnings };
}

const none = {
  privateKey: undefined,
  knownHosts: undefined,
  authority: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
  secret: undefined,
};

t.test('what is not there is absent', async (t) => {
  t.same(await read(t, {}), { credentials: none, warnings: [] });
  const { files } = await createRootedSystem(t.testdir({}));
  t.same(readCredentials(files, undefined), none);
});

t.test('each file is read, and a secret is understood', async (t) => {
  const { credentials, warnings } = await read(t, {
    [`${folder}/id_ed25519`]: 'the key',
    [`${folder}/known_hosts`]: 'the host',
    [`${folder}/ca.pem`]: 'the authority',
    [`${folder}/secret.json`]: JSON.stringify({ kind: 'basic', user: 'a', password: 'b' }),
  });
  const secret = { kind: 'basic', user: 'a', password: 'b' };
  t.same(credentials, { ...none, privateKey: 'the key', knownHosts: 'the host', authority: 'the authority', secret });
  t.same(warnings, []);
});

t.test('a secret that others can read is told of; what is no secret may be read', async (t) => {
  const [key, authority] = [`${folder}/client.key`, `${folder}/ca.pem`];
  const { credentials, warnings } = await read(t, { [key]: 'k', [authority]: 'c' }, { [key]: 0o640, [authority]: 0o644 });
  t.match(credentials, { clientKey: 'k', authority: 'c' });
  t.match(warnings, [/client\.key" can be read by others/]);
  t.equal(warnings.length, 1);
});

t.test('a file that is too large, and a secret that makes no sense, are errors that quote nothing', async (t) => {
  await t.rejects(read(t, { [`${folder}/id_ed25519`]: 'x'.repeat(2_000_000) }), { code: 'remote/auth', message: /2000000 bytes/ });
  await t.rejects(read(t, { [`${folder}/ca.pem/inside`]: '' }), { code: 'remote/auth', message: /it is no file/ });
  const error = await read(t, { [`${folder}/secret.json`]: '{"kind":"basic","user":"hidden-name"' }).catch((cause: Error) => cause);
  t.ok(error instanceof Error);
  t.notMatch(error, { message: /hidden-name/ });
});
