import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { makePattern } from '../testing/pattern.ts';
import { type Sshd, type SshdOptions, startSshd } from '../testing/servers/sshd.ts';
import type { SshRequest, SshSession } from './network-interface.ts';
import { openSshSession } from './ssh-client.ts';

type Test = { readonly teardown: (handler: () => unknown) => unknown };

async function server(test: Test, options?: SshdOptions): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-ssh-'));
  const sshd = await startSshd(folder, options);
  test.teardown(async () => {
    await sshd.kill();
    rmSync(folder, { recursive: true });
  });
  return sshd;
}

function requestFor(sshd: Sshd, more: Partial<SshRequest> = {}): SshRequest {
  const { port, user, privateKey, hostKeys } = sshd;
  const trust = (key: string) => hostKeys.includes(key);
  return { host: '127.0.0.1', port, user, privateKey, trust, connectMs: 5000, stallMs: 10_000, ...more };
}

async function session(test: Test, sshd: Sshd, more?: Partial<SshRequest>): Promise<SshSession> {
  const opened = await openSshSession(requestFor(sshd, more));
  test.teardown(() => opened.end());
  return opened;
}

t.test('a file is written in any order, made durable, renamed, read back; only its owner may read it', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  const content = makePattern(3_000_000);
  const file = await ssh.open(`${sshd.files}/a`, 'create');
  await Promise.all([2, 0, 1].map((part) => file.write(part * 1_000_000, content.subarray(part * 1_000_000, (part + 1) * 1_000_000))));
  t.equal(await file.sync(), true);
  t.same(Buffer.from(await file.read(1_999_990, 20)), Buffer.from(content.subarray(1_999_990, 2_000_010)));
  t.equal((await file.read(2_999_990, 100)).length, 10, 'ends with the file');
  await file.close();
  writeFileSync(`${sshd.files}/b`, 'older');
  await ssh.rename(`${sshd.files}/a`, `${sshd.files}/b`);
  t.ok(readFileSync(`${sshd.files}/b`).equals(content));
  t.equal(statSync(`${sshd.files}/b`).mode & 0o7777, 0o600);
});

t.test('one byte a write', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  const content = makePattern(2000);
  const file = await ssh.open(`${sshd.files}/bytes`, 'create');
  await Promise.all([...content.keys()].map((at) => file.write(at, content.subarray(at, at + 1))));
  await file.close();
  t.ok(readFileSync(`${sshd.files}/bytes`).equals(content));
});

t.test('keys that change in the middle of a transfer change nothing in it', async (t) => {
  const sshd = await server(t, { settings: ['RekeyLimit 1M'] });
  const ssh = await session(t, sshd);
  const content = makePattern(1_000_000);
  const file = await ssh.open(`${sshd.files}/a`, 'create');
  for (let round = 0; round < 5; round++)
    await Promise.all([0, 1, 2, 3].map((part) => file.write((round * 4 + part) * content.length, content)));
  await file.close();
  t.ok(readFileSync(`${sshd.files}/a`).equals(Buffer.concat(Array(20).fill(content))));
});

t.test('folders, names and sizes', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  const folder = `${sshd.files}/it's here`;
  await ssh.makeFolder(folder, 0o700);
  t.equal(statSync(folder).mode & 0o7777, 0o700);
  for (let number = 0; number < 250; number++) writeFileSync(`${folder}/${number}`, '');
  writeFileSync(`${folder}/0`, 'four');
  t.same(
    [...(await ssh.list(folder))].map(Number).sort((a, b) => a - b),
    [...Array(250).keys()],
  );
  t.same(await ssh.status(`${folder}/0`), { kind: 'file', sizeBytes: 4 });
  t.equal((await ssh.status(folder))?.kind, 'folder');
  t.equal(await ssh.status(`${folder}/none`), undefined);
  await ssh.remove(`${folder}/0`);
  t.equal((await ssh.list(folder)).length, 249);
  await t.rejects(ssh.remove(`${folder}/0`), { code: 'ssh/missing' });
  await t.rejects(ssh.makeFolder(folder, 0o700), { code: 'ssh/failure' });
  await t.rejects(ssh.open(`${folder}/none/file`, 'create'), { code: 'ssh/missing' });
  t.ok(((await ssh.freeBytes(folder)) ?? 0) > 1e6);
  t.equal(await ssh.realPath(`${folder}/..`), sshd.files);
  mkdirSync(`${sshd.files}/empty`);
  t.same(await ssh.list(`${sshd.files}/empty`), []);
  await ssh.removeFolder(`${sshd.files}/empty`);
  t.equal(await ssh.status(`${sshd.files}/empty`), undefined);
});

t.test('a new file never goes through a link that lies there', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  writeFileSync(`${sshd.files}/precious`, 'precious');
  await ssh.run(['ln', '-s', 'precious', `${sshd.files}/link`], 5000);
  const file = await ssh.open(`${sshd.files}/link`, 'create');
  await file.write(0, Buffer.from('new'));
  await file.close();
  t.equal(readFileSync(`${sshd.files}/precious`, 'utf8'), 'precious');
  t.equal(readFileSync(`${sshd.files}/link`, 'utf8'), 'new');
});

t.test('programs run with their words as they are, and not for longer than allowed', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  t.same(await ssh.run(['printf', '%s|', "a'b", '$HOME;', 'c d'], 5000), { status: 0, stdout: "a'b|$HOME;|c d|" });
  t.equal((await ssh.run(['sh', '-c', 'exit 7'], 5000))?.status, 7);
  t.equal(await ssh.run(['sleep', '60'], 100), undefined);
  t.equal(await ssh.run(['head', '-c', '200000', '/dev/zero'], 5000), undefined, 'too much output');
});

t.test('a server for SFTP alone runs no programs and stores files', async (t) => {
  const sshd = await server(t, { sftpOnly: true });
  const ssh = await session(t, sshd);
  t.not((await ssh.run(['true'], 2000))?.status, 0);
  const file = await ssh.open(`${sshd.files}/a`, 'create');
  await file.write(0, Buffer.from('content'));
  await file.close();
  t.equal(readFileSync(`${sshd.files}/a`, 'utf8'), 'content');
});

t.test('a full disk says so', async (t) => {
  const sshd = await server(t, { smallDisk: { sizeBytes: 1 << 20 } });
  const ssh = await session(t, sshd);
  const file = await ssh.open('/a', 'create');
  await t.rejects(file.write(0, makePattern(3 << 20)), { code: 'ssh/no-space' });
  await ssh.remove('/a');
});

t.test('a host key that is not trusted ends it before we say who we are', async (t) => {
  const sshd = await server(t);
  const shown: string[] = [];
  const trust = (key: string) => {
    shown.push(key);
    return false;
  };
  await t.rejects(openSshSession(requestFor(sshd, { trust })), { code: 'network/host-key' });
  t.same(shown, sshd.hostKeys);
  t.notMatch(sshd.said(), /Accepted|Failed publickey/);
});

t.test('of several host keys the server shows the kind that is asked for', async (t) => {
  const sshd = await server(t, { hostKeyTypes: ['ed25519', 'rsa', 'ecdsa'] });
  for (const type of ['ssh-rsa', 'ecdsa-sha2-nistp256', 'ssh-ed25519']) {
    const shown: string[] = [];
    const trust = (key: string) => shown.push(key) > 0;
    (await openSshSession(requestFor(sshd, { trust, hostKeyTypes: [type] }))).end();
    t.same(
      shown,
      sshd.hostKeys.filter((key) => key.startsWith(`${type} `)),
    );
  }
  await t.rejects(openSshSession(requestFor(sshd, { hostKeyTypes: ['ssh-dss'] })), { code: 'network/host-key' });
  await t.rejects(openSshSession(requestFor(sshd, { hostKeyTypes: ['ecdsa-sha2-nistp521'] })), { code: 'network/host-key' });
});

t.test('a refused key, a key that is none, nobody listening, an address that is none', async (t) => {
  const sshd = await server(t, { authorizedKey: '' });
  await t.rejects(openSshSession(requestFor(sshd)), { code: 'network/auth' });
  const garbage = await openSshSession(requestFor(sshd, { privateKey: 'SECRET' })).catch((error) => error);
  t.equal(garbage.code, 'network/auth');
  t.notMatch(String(garbage.stack), 'SECRET');
  await sshd.kill();
  await t.rejects(openSshSession(requestFor(sshd)), { code: 'network/unreachable' });
  await t.rejects(openSshSession(requestFor(sshd, { addresses: [] })), { code: 'network/unreachable' });
});

t.test('addresses are tried in turn', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd, { host: 'not.a.name.invalid', addresses: ['127.0.0.9', '127.0.0.1'] });
  t.equal(await ssh.realPath('/'), '/');
});

t.test('a server that is killed ends what is under way', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  const file = await ssh.open(`${sshd.files}/a`, 'create');
  sshd.hold();
  const writes = [0, 1, 2, 3].map((part) => t.rejects(file.write(part << 20, makePattern(1 << 20)), { code: 'network/broken' }));
  await sshd.kill();
  await Promise.all(writes);
  await ssh.ended;
  await t.rejects(ssh.status('/'), { code: 'network/broken' });
});

t.test('a server that stands still is given up, with writes under way or without', async (t) => {
  const sshd = await server(t);
  const idle = await session(t, sshd, { stallMs: 2500 });
  const busy = await session(t, sshd, { stallMs: 2500 });
  const file = await busy.open(`${sshd.files}/a`, 'create');
  sshd.hold();
  await Promise.all([0, 1, 2, 3].map((part) => t.rejects(file.write(part << 20, makePattern(1 << 20)), { code: 'network/stalled' })));
  await Promise.all([idle.ended, busy.ended]);
  await t.rejects(openSshSession(requestFor(sshd, { stallMs: 500 })), { code: 'network/stalled' }, 'nor does it answer a new one');
  sshd.goOn();
  t.equal(await (await session(t, sshd)).realPath('/'), '/');
});

t.test('a connection that is given up is gone soon, though the server takes nothing more', async (t) => {
  const sshd = await server(t);
  const ssh = await session(t, sshd);
  const file = await ssh.open(`${sshd.files}/a`, 'create');
  sshd.hold();
  const writes = [0, 1, 2, 3].map((part) => t.rejects(file.write(part << 20, makePattern(1 << 20)), { code: 'network/broken' }));
  ssh.end();
  await Promise.all([...writes, ssh.ended]);
  sshd.goOn();
});
