import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { run } from '../../cli.ts';
import { credentialsFolder } from '../../config/credential-files.ts';
import { formatRemoteUrl, parseRemoteUrl } from '../../config/remote-url.ts';
import type { System } from '../../sys/system.ts';
import { type ArmedMachine, createArmedMachine, putArmed, testBuild } from '../../testing/armed-machine.ts';
import { buildNames } from '../../testing/build-names.ts';
import { createAuthority } from '../../testing/servers/authority.ts';
import { startNginx } from '../../testing/servers/nginx.ts';
import { startS3 } from '../../testing/servers/s3.ts';
import { startSshd } from '../../testing/servers/sshd.ts';

/** A machine on which nobody sits at a terminal. */
function machine(t: Test, overrides: Partial<System> = {}): Promise<ArmedMachine> {
  return createArmedMachine(scratch(t), { programs: buildNames({}), ...overrides });
}

async function call(system: ArmedMachine, ...words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  system.printed.out = '';
  system.printed.error = '';
  const code = await run(system, testBuild, ['target', ...words]);
  return { code, out: system.printed.out, error: system.printed.error };
}

/** A folder for a server; a machine has the test's own. */
function scratch(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-server-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Standard input that holds a text. */
function typed(text: string): Pick<System, 'readStandardInput'> {
  let rest = Buffer.from(text);
  return {
    readStandardInput(target) {
      const count = rest.copy(target);
      rest = rest.subarray(count);
      return count;
    },
  };
}

const folderOf = (url: string) => credentialsFolder(parseRemoteUrl(url));

t.test('an ssh target: key and host key, what to do on the server, then it works and leaves nothing there', async (t) => {
  const place = scratch(t);
  const server = await startSshd(place, { authorizedKey: '' });
  t.teardown(() => server.kill());
  const system = await machine(t);
  const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.files}`;
  const folder = folderOf(url);

  const silent = await call(system, 'add', url);
  t.equal(silent.code, 1);
  t.match(silent.error, /nobody said that SHA256:\S+ is the right one/);
  t.match(silent.error, /--host-key SHA256:/);
  t.equal(system.files.status(`${folder}/known_hosts`), undefined);

  t.match((await call(system, 'add', url, '--host-key', 'SHA256:wrong')).error, /shows the host key SHA256:\S+, expected SHA256:wrong/);

  const locked = await call(system, 'add', url, '--accept-host-key');
  t.equal(locked.code, 1);
  const [line] = locked.out.match(/^restrict,command="internal-sftp" ssh-ed25519 \S+ kcapture@worker$/m) ?? [];
  t.ok(line, locked.out);
  t.match(locked.out, /FAILED/);
  t.match(locked.out, /Put the line above into authorized_keys/);
  t.equal(statSync(join(system.root, folder)).mode & 0o777, 0o700);
  t.equal(statSync(join(system.root, folder, 'id_ed25519')).mode & 0o777, 0o600);

  writeFileSync(join(place, 'authorized_keys'), `${line}\n`, { mode: 0o600 });
  const opened = await call(system, 'add', url);
  t.equal(opened.code, 0, opened.out);
  t.match(opened.out, /keeps its key/);
  t.match(opened.out, /keeps the host key SHA256:/);
  for (const step of ['credentials', 'reach', 'open', 'save', 'stream', 'break off', 'remove'])
    t.match(opened.out, new RegExp(`ok +${step} `));
  t.match(opened.out, new RegExp(`^target ${url}$`, 'm'));
  t.same(readdirSync(server.files), []);

  const checked = await call(system, 'check', url, '--json');
  t.equal(checked.code, 0);
  t.match(JSON.parse(checked.out), { targets: [{ url, passed: true, checks: [{ name: 'credentials', level: 'ok' }] }] });
  t.match((await call(system, 'list')).out, new RegExp(`${url}\n  not in the configuration; tried 20.*a second`));
  system.put({ 'etc/kcapture.conf': `target ${url}\n` });
  t.match((await call(system, 'list')).out, new RegExp(`${url}\n  tried 20`));
  t.equal((await call(system, 'check')).code, 0);

  const key = readFileSync(join(system.root, folder, 'id_ed25519'), 'utf8').split('\n')[2];
  for (const { out, error } of [silent, locked, opened, checked]) t.notOk(`${out}${error}`.includes(key));

  const removed = await call(system, 'remove', url);
  t.match(removed.out, /removed .*\n.*still in the configuration/);
  t.equal(system.files.status(folder), undefined);
  t.match((await call(system, 'check', url)).out, /FAIL +credentials +there is no private key for it/);
});

t.test('a server that shows another host key is not trusted, and the remedy is said', async (t) => {
  const place = scratch(t);
  const server = await startSshd(place);
  t.teardown(() => server.kill());
  const system = await machine(t);
  const url = `ssh://${server.user}@127.0.0.1:${server.port}${server.files}`;
  const other = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKUDTqv798GtRCUT8cOE2G4RT+lIyhd5Wp7jnBj1a5nx';
  system.put({
    [`${folderOf(url)}/known_hosts`]: `[127.0.0.1]:${server.port} ${other}\n`,
    [`${folderOf(url)}/id_ed25519`]: server.privateKey,
  });
  t.match((await call(system, 'check', url)).out, /FAIL +open +Cannot trust .*expected/);
  t.match((await call(system, 'add', url, '--accept-host-key')).error, /expected the pinned SHA256:.*\n.*--host-key/);
  const shown = /shows the host key (SHA256:\S+),/.exec((await call(system, 'add', url)).error)?.[1] ?? '';
  t.equal((await call(system, 'add', url, '--host-key', shown)).code, 0);
});

t.test('a web server with a password and an authority of its own', async (t) => {
  const folder = scratch(t);
  const authority = createAuthority(folder);
  const login = { user: 'crash', password: 'very-secret-word' };
  const server = await startNginx(folder, { certificate: authority.issue({ name: 'server' }), login });
  t.teardown(() => server.kill());
  const url = `${server.origin}/dumps`;

  const untrusted = await machine(t);
  t.match((await call(untrusted, 'add', url)).out, /FAIL .*(certificate|trust)/);

  const system = await machine(t, typed(`${login.password}\n`));
  system.put({ 'root/ca.pem': readFileSync(authority.certificate) });
  const anonymous = await call(system, 'add', url, '--ca', '/root/ca.pem');
  t.equal(anonymous.code, 1);
  t.match(anonymous.out, /FAIL/);
  const added = await call(system, 'add', url, '--user', login.user, '--password-file', '-');
  t.equal(added.code, 0, added.out + added.error);
  t.match(added.out, /ok +rename +the server renames files/);
  const facts = JSON.parse(system.files.readTextIfThere(`${folderOf(url)}/server.json`) ?? '');
  t.match(facts, { url, canRename: true });
  const dumps = join(server.files, 'dumps');
  t.same(readdirSync(dumps), []);

  system.put({ 'etc/kcapture.conf': `target ${url}\ntarget http://127.0.0.1:1/\n` });
  putArmed(system);
  const probed = await call(system, 'check');
  t.equal(probed.code, 1, 'the other target fails');
  system.printed.out = '';
  await run(system, testBuild, ['status', '--probe']);
  t.match(system.printed.out, /ok +trial 1 +https:\/\/127\.0\.0\.1:\d+\/dumps: 32\.0 MiB|ok +trial 1 +.* a second/);
  t.match(system.printed.out, /WARN +trial 2 +.*127\.0\.0\.1/);
  t.match(system.printed.out, /(ok|WARN) +target 1 /);
  const status = { ...system.printed };
  t.same(readdirSync(dumps), []);

  const listed = await call(system, 'list', '--json');
  const checked = await call(system, 'check', url, '--json');
  t.equal(checked.code, 0);
  for (const { out, error } of [untrusted.printed, anonymous, added, probed, status, listed, checked]) {
    t.notMatch(`${out}${error}`, login.password);
    t.notMatch(`${out}${error}`, Buffer.from(`${login.user}:${login.password}`).toString('base64'));
  }
});

t.test('a store: its key from standard input, a trial that leaves nothing, and a wrong key that is not told', async (t) => {
  const server = await startS3(scratch(t));
  t.teardown(() => server.kill());
  const url = formatRemoteUrl(server.place);
  const system = await machine(t, typed(`${server.accessKeyId}\n${server.secretAccessKey}\n`));
  const before = server.stored();
  const added = await call(system, 'add', url, '--access-key-file', '-');
  t.equal(added.code, 0, added.out + added.error);
  t.match(added.out, /WARN|ok +stream/);
  t.same(server.stored(), before);
  const wrong = await machine(t, typed(`${server.accessKeyId}\nwrong-secret-word\n`));
  const refused = await call(wrong, 'add', url, '--access-key-file', '-');
  t.equal(refused.code, 1);
  t.match(refused.out, /FAIL/);
  for (const { out, error } of [added, refused]) {
    t.notMatch(`${out}${error}`, server.secretAccessKey);
    t.notMatch(`${out}${error}`, 'wrong-secret-word');
  }
});

t.test('wrong words are refused before anything is asked or written', async (t) => {
  const system = await machine(t, typed(''));
  t.match((await call(system, 'add', 'https://user:hidden@files.example/')).error, /^(?!.*hidden)/s);
  t.match(
    (await call(system, 'add', 's3://crashes?region=eu-1', '--user', 'x')).error,
    /--user for a target of kind s3: expected --access-key-file/,
  );
  t.match((await call(system, 'add', 's3://crashes?region=eu-1')).error, /without an access key/);
  t.match((await call(system, 'add', 's3://crashes?region=eu-1', '--access-key-file', '-')).error, /neither of the known forms/);
  t.match((await call(system, 'add', 'http://192.0.2.1/', '--client-cert', '/x')).error, /\/x|without its key/);
  t.match((await call(system, 'remove', 'https://files.example/')).out, /There are no credentials/);
  t.match((await call(system, 'check')).error, /none of the configuration is on the network/);
  const user = await machine(t, { kernel: { ...system.kernel, effectiveUserId: () => 1000 } });
  t.match((await call(user, 'add', 'ssh://u@192.0.2.1')).error, /only root may/);
});

t.test('an export that cannot be mounted, and a name that is not known', async (t) => {
  const system = await machine(t);
  const answer = await call(system, 'check', 'nfs://192.0.2.9/export', 'nfs://unknown.example/export');
  t.equal(answer.code, 1);
  t.match(answer.out, /nfs:\/\/192\.0\.2\.9\/export\nFAIL +mount +Cannot mount/);
  t.match(answer.out, /no address of unknown\.example is known/);
});

t.test('an export of the configuration is tried with its options there, and named with its port', async (t) => {
  const system = await machine(t);
  system.put({ 'etc/kcapture.conf': 'nfs 192.0.2.9:/export port=20049,vers=3,mountport=20048\n' });
  for (const url of ['nfs://192.0.2.9/export', 'nfs://192.0.2.9:20049/export', 'nfs://192.0.2.9/export mountport=20048']) {
    const { out } = await call(system, 'check', url);
    t.match(out, /^nfs:\/\/192\.0\.2\.9:20049\/export\nFAIL +mount +Cannot mount .* for "nfs .* port=20049,vers=3,mountport=20048"/, url);
  }
  const other = await call(system, 'check', 'nfs://192.0.2.9:4049/export');
  t.match(other.out, /^nfs:\/\/192\.0\.2\.9:4049\/export\nFAIL +mount +Cannot mount .* for "nfs .* port=4049"/);
  t.match((await call(system, 'list')).out, /^nfs:\/\/192\.0\.2\.9:20049\/export\n/);
});

t.test('an export that is not in the configuration is repeated as it was named', async (t) => {
  const system = await machine(t);
  const named = 'nfs://192.0.2.9:20049/export vers=3,mountport=20048';
  const { out } = await call(system, 'add', named);
  t.match(out, `'${named}'\n`);
  t.match((await call(system, 'remove', named)).out, /removed/);
  t.match((await call(system, 'check', `${named} more`)).error, /at most one word of mount options/);
  t.match((await call(system, 'check', 'nfs://192.0.2.9/export sec=krb5')).error, /Kerberos/);
});

t.test('a target that is not finished is listed by its name', async (t) => {
  const system = await machine(t);
  const url = 'http://127.0.0.1:1/dumps';
  t.equal((await call(system, 'add', url)).code, 1);
  t.match((await call(system, 'list')).out, /^http:\/\/127\.0\.0\.1:1\/dumps\n {2}not in the configuration; never tried/);
});

t.test('a link in the place of a folder of credentials is not followed', async (t) => {
  const system = await machine(t);
  const url = 'https://files.example/x';
  system.put({ 'srv/precious/file': 'x' });
  system.files.makeFolder('/etc/kcapture/targets', 0o700);
  system.files.link('/srv/precious', folderOf(url));
  t.match((await call(system, 'remove', url)).error, /it is a link, expected a folder/);
  t.match((await call(system, 'add', url)).error, /it is a link, expected a folder/);
  t.ok(system.files.status('/srv/precious/file'));
});
