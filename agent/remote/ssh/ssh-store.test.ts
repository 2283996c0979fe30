import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { SshPlace } from '../../config/remote-place.ts';
import { createNetwork } from '../../sys/network.ts';
import { makePattern } from '../../testing/pattern.ts';
import { startCuttingProxy } from '../../testing/servers/cutting-proxy.ts';
import { type Sshd, type SshdOptions, startSshd } from '../../testing/servers/sshd.ts';
import type { RemoteContext, RemoteFile, RemoteLimits, RemoteStore } from '../remote-store.ts';
import { openSshStore } from './ssh-store.ts';

type Test = { readonly teardown: (handler: () => unknown) => unknown };
type Changes = Partial<Omit<RemoteContext, 'place' | 'limits' | 'credentials'>> & {
  readonly path?: string;
  readonly limits?: Partial<RemoteLimits>;
  readonly credentials?: Partial<RemoteContext['credentials']>;
};

const name = 'server-2026-11-21-08:00:00';
const KiB = 1024;

async function server(test: Test, options?: (folder: string) => SshdOptions): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-ssh-'));
  const sshd = await startSshd(folder, options?.(folder));
  test.teardown(async () => {
    await sshd.kill();
    rmSync(folder, { recursive: true });
  });
  return sshd;
}

function contextFor(sshd: Sshd, { path, limits, credentials, ...changes }: Changes = {}): RemoteContext {
  const network = createNetwork();
  const place: SshPlace = {
    kind: 'ssh',
    user: sshd.user,
    host: '127.0.0.1',
    port: sshd.port,
    path: path ?? `${sshd.files}/dumps`.replace('//', '/'),
  };
  const none = { authority: undefined, clientCertificate: undefined, clientKey: undefined, secret: undefined };
  return {
    network,
    place,
    addresses: [],
    credentials: { ...none, privateKey: sshd.privateKey, knownHosts: sshd.knownHosts, ...credentials },
    canRename: false,
    capture: { name, machineId: undefined, startedAtMs: 0 },
    adopt: false,
    limits: { connectMs: 5000, stallMs: 10_000, retryMs: 20_000, bufferBytes: 1 << 20, ...limits },
    wallClockMs: () => 0,
    onNote() {},
    onProgress() {},
    ...changes,
  };
}

async function open(test: Test, sshd: Sshd, changes?: Changes): Promise<RemoteStore> {
  const store = await openSshStore(contextFor(sshd, changes));
  test.teardown(() => store.close());
  return store;
}

/** Pieces in an order that goes to and fro, several under way. */
async function writeMixed(
  file: RemoteFile,
  content: Uint8Array,
  pieceBytes: number,
  between: (done: number) => Promise<void>,
): Promise<void> {
  const offsets = Array.from({ length: Math.ceil(content.length / pieceBytes) }, (_, index) => index * pieceBytes);
  const mixed = [
    ...offsets.filter((_, index) => index % 3 === 2),
    ...offsets.filter((_, index) => index % 3 === 0),
    ...offsets.filter((_, index) => index % 3 === 1),
  ];
  for (let at = 0; at < mixed.length; at += 4) {
    const group = mixed.slice(at, at + 4).map((offset) => file.write(offset, content.subarray(offset, offset + pieceBytes)));
    await Promise.all([between(at), ...group]);
  }
}

t.test('names, modes, and what can be asked of a capture', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd);
  const folder = `${sshd.files}/dumps/${name}`;
  t.equal(store.where, `ssh://root@127.0.0.1:${sshd.port}${folder}`);
  t.equal(store.seekable, true);
  await store.save('vmcore-dmesg.txt', Buffer.from('older'));
  await store.save('vmcore-dmesg.txt', Buffer.from('Kernel panic'));
  const file = await store.create('vmcore');
  await file.write(0, Buffer.from('memory'));
  await file.sync();
  t.same(readdirSync(folder).sort(), ['vmcore-dmesg.txt', 'vmcore-incomplete']);
  await file.finish(true);
  t.same(readdirSync(folder).sort(), ['vmcore', 'vmcore-dmesg.txt']);
  t.equal(readFileSync(`${folder}/vmcore-dmesg.txt`, 'utf8'), 'Kernel panic');
  for (const path of ['vmcore', 'vmcore-dmesg.txt']) t.equal(statSync(`${folder}/${path}`).mode & 0o7777, 0o600);
  for (const path of [folder, `${sshd.files}/dumps`]) t.equal(statSync(path).mode & 0o7777, 0o700);
  t.same(
    [...(await store.list())].sort((a, b) => a.sizeBytes - b.sizeBytes),
    [
      { name: 'vmcore', sizeBytes: 6 },
      { name: 'vmcore-dmesg.txt', sizeBytes: 12 },
    ],
  );
  t.equal(await store.sha256('vmcore'), 'c064fbca9d9de8dd9bb0624984403b28d0da807a69365d4f7fb09123ecb0c405');
  t.equal(await store.sha256('none'), undefined);
  t.ok(((await store.freeBytes()) ?? 0) > 0);
  await store.remove('vmcore');
  await store.remove('vmcore');
  t.notOk(existsSync(`${folder}/vmcore`));
});

t.test(
  'a second capture in one second has a number; one that is adopted goes on in its folder; earlier ones of this machine are listed',
  async (t) => {
    const sshd = await server(t);
    const others = ['server-2026-11-20-08:00:00', 'server-2026-11-20-08:00:00.2', 'server-x-2026-11-20-08:00:00', 'notes'];
    for (const other of others) mkdirSync(`${sshd.files}/dumps/${other}`, { recursive: true });
    const first = await open(t, sshd);
    await first.save('manifest.json', Buffer.from('{}'));
    const second = await open(t, sshd);
    t.match(second.where, /08:00:00\.2$/);
    const adopted = await open(t, sshd, { adopt: true });
    t.equal(adopted.where, first.where);
    t.same(await adopted.list(), [{ name: 'manifest.json', sizeBytes: 2 }]);
    t.same([...(await first.captures())].sort(), [...others.slice(0, 2), `${name}.2`]);
  },
);

t.test('a dump that is cut short keeps the name that says so; one that is discarded leaves nothing', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd);
  const cut = await store.create('vmcore');
  await cut.write(10, Buffer.from('part'));
  await cut.finish(false);
  t.same(await store.list(), [{ name: 'vmcore-incomplete', sizeBytes: 14 }]);
  const next = await store.create('vmcore');
  t.same(await store.list(), [{ name: 'vmcore-incomplete', sizeBytes: 0 }], 'what was left of it is gone');
  await next.write(0, Buffer.from('part'));
  await next.discard();
  t.same(await store.list(), []);
  await t.rejects(next.write(0, Buffer.from('more')), { code: 'remote/broken' });
});

t.test('a server that is killed in the middle and comes back gets every byte', async (t) => {
  const sshd = await server(t);
  const notes: string[] = [];
  const store = await open(t, sshd, { onNote: (note) => notes.push(note) });
  const content = makePattern(12_345_678);
  const file = await store.create('vmcore');
  const faults = [8, 20];
  await writeMixed(file, content, 300 * KiB, async (at) => {
    if (!faults.includes(at)) return;
    await sshd.kill();
    await delay(700);
    await sshd.start();
  });
  await sshd.kill();
  const finished = file.finish(true);
  await sshd.start();
  await finished;
  t.ok(readFileSync(`${sshd.files}/dumps/${name}/vmcore`).equals(content));
  t.match(notes.join('\n'), /the connection .*; connecting again/);
});

t.test('a server that stands still for longer than the limit gets every byte when it goes on', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd, { limits: { stallMs: 2000 } });
  const content = makePattern(8_000_000);
  const file = await store.create('vmcore');
  await writeMixed(file, content, 300 * KiB, async (at) => {
    if (at !== 8) return;
    sshd.hold();
    await delay(5000);
    sshd.goOn();
  });
  await file.finish(true);
  t.ok(readFileSync(`${sshd.files}/dumps/${name}/vmcore`).equals(content));
});

t.test('a server that stays away or stands still is given up within the time for trying', async (t) => {
  const sshd = await server(t);
  const away = await open(t, sshd, { limits: { retryMs: 1000 } });
  const still = await open(t, sshd, { limits: { retryMs: 1000, stallMs: 1000 } });
  const file = await still.create('vmcore');
  sshd.hold();
  await t.rejects(file.write(0, makePattern(6 << 20)), { code: 'remote/stalled' });
  await sshd.kill();
  await t.rejects(away.save('manifest.json', Buffer.from('{}')), { code: 'remote/unreachable' });
});

t.test('a connection that breaks at any byte: every file arrives, under its name, and nothing else', async (t) => {
  const sshd = await server(t);
  const content = makePattern(700_000);
  const cuts = [
    ...Array.from({ length: 14 }, (_, index) => ({ sentBytes: 2500 + index * 200 })),
    { sentBytes: 300_000 },
    { sentBytes: 600_000 },
  ];
  const lost = Array.from({ length: 14 }, (_, index) => ({ answeredBytes: 2500 + index * 150 }));
  const runs = [...cuts, ...lost].map(async (cut, index) => {
    const proxy = await startCuttingProxy(sshd.port, [cut, cut]);
    t.teardown(() => proxy.close());
    const context = contextFor({ ...sshd, port: proxy.port, knownHosts: sshd.knownHosts.replace(String(sshd.port), String(proxy.port)) });
    const store = await openSshStore({ ...context, capture: { ...context.capture, name: `run${index}` } });
    await store.save('vmcore-dmesg.txt', Buffer.from('Kernel panic'));
    const file = await store.create('vmcore');
    await writeMixed(file, content, 100_000, async () => {});
    await file.finish(true);
    await store.save('manifest.json', Buffer.from('{}'));
    await store.close();
    const folder = `${sshd.files}/dumps/run${index}`;
    t.same(readdirSync(folder).sort(), ['manifest.json', 'vmcore', 'vmcore-dmesg.txt'], JSON.stringify(cut));
    t.ok(readFileSync(`${folder}/vmcore`).equals(content), JSON.stringify(cut));
    t.ok(proxy.count() > 1, `${JSON.stringify(cut)} broke a connection`);
  });
  await Promise.all(runs);
  t.equal(readdirSync(`${sshd.files}/dumps`).length, runs.length, 'no second folder of any');
});

t.test('a server that comes back lets nobody in at first; another that comes in its place is not trusted', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd);
  const file = await store.create('vmcore');
  await file.write(0, Buffer.from('memory'));
  const authorized = join(sshd.files, '../authorized_keys');
  const keys = readFileSync(authorized);
  writeFileSync(authorized, '');
  await sshd.kill();
  await sshd.start();
  const written = file.write(6, Buffer.from(' again'));
  await delay(700);
  writeFileSync(authorized, keys);
  await written;
  await sshd.kill();
  const hostKey = join(sshd.files, '../host_ed25519');
  rmSync(hostKey);
  spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey]);
  await sshd.start();
  await t.rejects(file.finish(true), { code: 'remote/untrusted', message: /expected ssh-ed25519 SHA256:/ });
  t.same(readdirSync(`${sshd.files}/dumps/${name}`), ['vmcore-incomplete']);
});

t.test('one byte a write', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd);
  const content = makePattern(1500);
  const file = await store.create('vmcore');
  await Promise.all([...content.keys()].map((at) => file.write(at, content.subarray(at, at + 1))));
  await file.finish(true);
  t.ok(readFileSync(`${sshd.files}/dumps/${name}/vmcore`).equals(content));
});

t.test('a file that lost what the server had acknowledged is not gone on with, but may be begun anew', async (t) => {
  const sshd = await server(t);
  const store = await open(t, sshd);
  const path = `${sshd.files}/dumps/${name}/vmcore-incomplete`;
  for (const [spoil, found] of [
    [() => truncateSync(path, 10), /10 bytes, expected 1000/],
    [() => rmSync(path), /it is gone/],
  ] as const) {
    const file = await store.create('vmcore');
    await file.write(0, makePattern(1000));
    await sshd.kill();
    spoil();
    await sshd.start();
    await t.rejects(file.write(1000, makePattern(1000)), { code: 'remote/broken', message: found });
    await t.rejects(file.finish(true), { code: 'remote/broken' });
  }
  const file = await store.create('vmcore');
  await file.write(0, makePattern(1000));
  await file.finish(true);
  t.ok(readFileSync(path.replace('-incomplete', '')).equals(makePattern(1000)));
});

t.test('a server whose machine started anew may have lost what was not yet durable', async (t) => {
  const bootIds = ['2d8a5a3e-33b5-4f3c-9d5c-1a2b3c4d5e6f', '7e57ab1e-0000-4000-8000-00000000b007'];
  let bootIdFile = '';
  const sshd = await server(t, (folder) => {
    bootIdFile = join(folder, 'boot_id');
    writeFileSync(bootIdFile, `${bootIds[0]}\n`);
    return { bootIdFile };
  });
  const store = await open(t, sshd);
  const restart = async (bootId: string | undefined) => {
    await sshd.kill();
    writeFileSync(bootIdFile, `${bootId}\n`);
    await sshd.start();
  };
  const file = await store.create('vmcore');
  await file.write(0, makePattern(1000));
  await file.sync();
  await restart(bootIds[1]);
  await file.write(1000, makePattern(1000));
  await restart(bootIds[0]);
  await t.rejects(file.write(2000, makePattern(1000)), { code: 'remote/broken', message: /started anew/ });
});

t.test('a full disk', async (t) => {
  const sshd = await server(t, () => ({ smallDisk: { sizeBytes: 1 << 20 } }));
  const store = await open(t, sshd);
  t.equal(store.where, `ssh://root@127.0.0.1:${sshd.port}/dumps/${name}`);
  const free = (await store.freeBytes()) ?? 0;
  t.ok(free > 500 * KiB && free <= 1 << 20);
  const file = await store.create('vmcore');
  await t.rejects(file.write(0, makePattern(3 << 20)), { code: 'remote/no-space' });
  await t.rejects(store.save('manifest.json', makePattern(300 * KiB)), { code: 'remote/no-space' });
  await file.discard();
  await store.save('manifest.json', Buffer.from('{}'));
  t.ok((await store.list()).some((entry) => entry.name === 'manifest.json'));
  t.notOk((await store.list()).some((entry) => entry.name.startsWith('vmcore')));
});

t.test('a server for SFTP alone: the home of the user, and no checksum', async (t) => {
  const sshd = await server(t, (folder) => ({ settings: [`ForceCommand internal-sftp -d ${folder}/files`] }));
  const store = await open(t, sshd, { path: '~/in/home' });
  const file = await store.create('vmcore');
  await file.write(0, Buffer.from('memory'));
  await file.finish(true);
  t.equal(readFileSync(`${sshd.files}/in/home/${name}/vmcore`, 'utf8'), 'memory');
  t.equal(await store.sha256('vmcore'), undefined);
});

t.test('who the server is, and who we are', async (t) => {
  const sshd = await server(t);
  const other = await server(t, () => ({ authorizedKey: '' }));
  const refuses = (changes: Changes, code: string, message: RegExp) =>
    t.rejects(openSshStore(contextFor(sshd, changes)), { code, message });
  await refuses({ credentials: { knownHosts: undefined } }, 'remote/untrusted', /no host key is pinned/);
  await refuses(
    { credentials: { knownHosts: sshd.knownHosts.replace('127.0.0.1', '127.0.0.2') } },
    'remote/untrusted',
    /no host key is pinned/,
  );
  await refuses({ credentials: { knownHosts: `@revoked * ${sshd.hostKeys[0]}\n${sshd.knownHosts}` } }, 'remote/untrusted', /revoked/);
  const wrong = sshd.knownHosts.replace(sshd.hostKeys[0] ?? '', other.hostKeys[0] ?? '');
  await refuses(
    { credentials: { knownHosts: wrong } },
    'remote/untrusted',
    /it shows the host key ssh-ed25519 SHA256:\S+, expected ssh-ed25519 SHA256:/,
  );
  await refuses({ credentials: { privateKey: undefined } }, 'remote/auth', /no private key/);
  await t.rejects(openSshStore(contextFor(other)), { code: 'remote/auth', message: /refuses the key/ });
});

t.test('a folder that cannot be made', async (t) => {
  const sshd = await server(t);
  writeFileSync(`${sshd.files}/file`, '');
  await t.rejects(openSshStore(contextFor(sshd, { path: `${sshd.files}/file` })), { code: 'remote/server', message: /no folder/ });
  await t.rejects(openSshStore(contextFor(sshd, { path: `${sshd.files}/file/below` })), { code: /^remote\/(server|missing)$/ });
});
