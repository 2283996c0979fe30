import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { credentialsFolder } from '../../config/credential-files.ts';
import type { TargetWish } from '../../config/configuration.ts';
import { parseRemoteUrl } from '../../config/remote-url.ts';
import { buildNames } from '../../testing/build-names.ts';
import { nodeKernelCalls } from '../../testing/node-kernel-calls.ts';
import { createRootedSystem, putTree, type RootedSystem } from '../../testing/rooted-system.ts';
import { makeKeyPair } from '../../remote/ssh/key-pair.ts';
import { resolveTarget } from './resolve-target.ts';

const settings = { path: '/dumps', sshKey: undefined };
const nowMs = Date.parse('2026-11-21T08:00:00Z');
const [hostKey, otherKey] = [makeKeyPair('').publicKey.trim(), makeKeyPair('').publicKey.trim()];
const names = { 'files.example': ['192.0.2.7', '2001:db8::7'] };

async function machine(t: Test, tree: Readonly<Record<string, string>> = {}): Promise<RootedSystem> {
  const root = t.testdir({});
  putTree(root, tree);
  for (const path of Object.keys(tree)) chmodSync(join(root, path), 0o600);
  const kernel = { ...nodeKernelCalls, effectiveUserId: () => 0, wallClockMs: () => nowMs };
  return createRootedSystem(root, { programs: buildNames(names), kernel });
}

const remote = (url: string): TargetWish => ({ kind: 'remote', place: parseRemoteUrl(url), line: 1 });
const folderOf = (url: string) => credentialsFolder(parseRemoteUrl(url));

t.test('an ssh target: addresses, folder and its credentials', async (t) => {
  const url = 'ssh://crash@files.example:2222';
  const folder = folderOf(url);
  const { privateKey } = makeKeyPair('test');
  const system = await machine(t, {
    [`${folder}/id_ed25519`]: privateKey,
    [`${folder}/id_ed25519.pub`]: 'public',
    [`${folder}/known_hosts`]: `[files.example]:2222 ${hostKey}\n`,
  });
  const { target, needs } = resolveTarget(system, remote(url), settings);
  t.match(target, {
    kind: 'remote',
    place: { kind: 'ssh', path: '/dumps', port: 2222 },
    addresses: names['files.example'],
    credentials: folder,
    canRename: false,
  });
  t.same(
    needs.keyFiles,
    ['id_ed25519', 'known_hosts'].map((name) => ({ source: `${folder}/${name}`, destination: `${folder}/${name}`, mode: 0o600 })),
  );
  t.same(needs.warnings, []);
});

t.test('what an ssh target lacks is said with its remedy, and the target stays', async (t) => {
  const system = await machine(t);
  const { target, needs } = resolveTarget(system, remote('ssh://crash@unknown.example/srv'), settings);
  t.same(needs.keyFiles, []);
  t.match(target, { kind: 'remote', addresses: [], place: { path: '/srv' } });
  t.match(needs.warnings, [
    /no address of unknown\.example was found.*getent ahosts/,
    /no private key.*kcapture target add ssh:\/\/crash@unknown\.example\/srv/,
    /no host key of unknown\.example is pinned/,
  ]);
});

t.test("kdump.conf's sshkey and the host keys that root knows serve a target without a folder", async (t) => {
  const { privateKey } = makeKeyPair('test');
  const system = await machine(t, {
    '/root/.ssh/kdump_key': privateKey,
    '/root/.ssh/known_hosts': `other ${otherKey}\nfiles.example,192.0.2.7 ${hostKey}\n`,
  });
  const wish: TargetWish = {
    kind: 'remote',
    place: { kind: 'ssh', user: 'crash', host: 'files.example', port: 22, path: undefined },
    line: 1,
  };
  const { needs, target } = resolveTarget(system, wish, { path: '/var/crash', sshKey: '/root/.ssh/kdump_key' });
  const folder = credentialsFolder(wish.place);
  t.match(target, { credentials: folder });
  t.same(needs.keyFiles, [
    { source: '/root/.ssh/kdump_key', destination: `${folder}/id_ed25519`, mode: 0o600 },
    { source: '/root/.ssh/known_hosts', destination: `${folder}/known_hosts`, mode: 0o600 },
  ]);
  t.same(needs.warnings, []);
});

t.test('a private key with a passphrase helps nobody after a crash', async (t) => {
  const url = 'ssh://crash@files.example';
  const folder = folderOf(url);
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0\0\0\0\x0aaes256-ctr')]).toString('base64');
  const system = await machine(t, {
    [`${folder}/id_ed25519`]: `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`,
    [`${folder}/known_hosts`]: `files.example ${hostKey}\n`,
  });
  t.match(resolveTarget(system, remote(url), settings).needs.warnings, [/asks for a passphrase/]);
});

t.test('an access key, its token and who can read it', async (t) => {
  const url = 's3://crashes/fleet?endpoint=https://files.example&region=eu-1';
  const folder = folderOf(url);
  const key = { kind: 's3', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'verysecret' };
  const warnings = async (secret: unknown, mode = 0o600) => {
    const system = await machine(t, { [`${folder}/secret.json`]: typeof secret === 'string' ? secret : JSON.stringify(secret) });
    chmodSync(join(system.root, folder, 'secret.json'), mode);
    const said = resolveTarget(system, remote(url), settings).needs.warnings;
    t.notMatch(said.join(), /verysecret|AKIDEXAMPLE|TOKEN/);
    return said;
  };
  t.same(await warnings(key), []);
  t.match(await warnings({ ...key, sessionToken: 'TOKEN', expiresAt: '2026-11-21T09:00:00Z' }), [
    /token ends in 1 hours, at 2026-11-21T09/,
  ]);
  t.match(await warnings({ ...key, sessionToken: 'TOKEN', expiresAt: '2026-11-21T07:00:00Z' }), [/token ended at 2026-11-21T07/]);
  t.match(await warnings({ ...key, sessionToken: 'TOKEN' }), [/a time that is not known/]);
  t.match(await warnings({ kind: 'bearer', token: 'TOKEN' }), [/another kind of target/]);
  t.match(await warnings('{ verysecret'), [/cannot be understood/]);
  t.match(await warnings(key, 0o644), [/others than root can read.*chmod 600/]);
  t.match(resolveTarget(await machine(t), remote(url), settings).needs.warnings, [/no access key/]);
});

t.test('a web server that renames, and a password in the clear', async (t) => {
  const url = 'http://files.example/dav';
  const folder = folderOf(url);
  const system = await machine(t, {
    [`${folder}/server.json`]: '{"canRename":true}',
    [`${folder}/secret.json`]: '{"kind":"basic","user":"u","password":"p"}',
  });
  const { target, needs } = resolveTarget(system, remote(url), settings);
  t.match(target, { canRename: true, addresses: names['files.example'] });
  t.match(needs.warnings, [/password travels in the clear/]);
});

t.test('an export: host and path, and the drivers it takes', async (t) => {
  const system = await machine(t);
  const nfs = (source: string): TargetWish => ({ kind: 'nfs', source, options: undefined, line: 1 });
  t.match(resolveTarget(system, nfs('[2001:db8::9]:/export/a'), settings).target, {
    kind: 'nfs',
    host: '2001:db8::9',
    addresses: ['2001:db8::9'],
    exported: '/export/a',
    folder: '/dumps',
    options: '',
  });
  const { target, needs } = resolveTarget(system, nfs('files.example:/export'), settings);
  t.match(target, { host: 'files.example', addresses: names['files.example'] });
  t.same(needs.modules, ['nfs']);
});
