import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import t from 'tap';
import type { HttpPlace } from '../../config/remote-place.ts';
import { createNetwork } from '../../sys/network.ts';
import { type Authority, createAuthority, pemOf } from '../../testing/servers/authority.ts';
import { type Nginx, type NginxOptions, startNginx } from '../../testing/servers/nginx.ts';
import type { RemoteContext, RemoteFile, RemoteLimits } from '../remote-store.ts';
import { openHttpStore } from './http-store.ts';
import { probeRename } from './probe-rename.ts';

type Test = { readonly teardown: (handler: () => unknown) => unknown };
type Changes = Partial<Omit<RemoteContext, 'place' | 'limits' | 'credentials'>> & {
  readonly path?: string;
  readonly host?: string;
  readonly limits?: Partial<RemoteLimits>;
  readonly credentials?: Partial<RemoteContext['credentials']>;
};

const name = 'server-2026-11-21-08:00:00';
const MiB = 2 ** 20;
const none = {
  privateKey: undefined,
  knownHosts: undefined,
  authority: undefined,
  clientCertificate: undefined,
  clientKey: undefined,
  secret: undefined,
};

function folderFor(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-http-'));
  test.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function server(test: Test, options: NginxOptions = {}, folder = folderFor(test)): Promise<Nginx> {
  const nginx = await startNginx(folder, options);
  test.teardown(() => nginx.kill());
  return nginx;
}

function contextFor(
  nginx: Pick<Nginx, 'origin' | 'port'>,
  { path = '/dumps', host = '127.0.0.1', limits, credentials, ...changes }: Changes = {},
): RemoteContext {
  const place: HttpPlace = { kind: 'http', secure: nginx.origin.startsWith('https:'), host, port: nginx.port, path };
  return {
    network: createNetwork(),
    place,
    addresses: [],
    credentials: { ...none, ...credentials },
    canRename: true,
    capture: { name, machineId: undefined, startedAtMs: 0 },
    adopt: false,
    limits: { connectMs: 5000, stallMs: 10_000, retryMs: 0, bufferBytes: MiB, ...limits },
    wallClockMs: () => 0,
    onNote() {},
    onProgress() {},
    ...changes,
  };
}

/** One buffer again and again; the rest is the file's affair. @returns the checksum. */
async function write(file: RemoteFile, pieces: number): Promise<string> {
  const hash = createHash('sha256');
  const bytes = new Uint8Array(MiB);
  for (let index = 0; index < pieces; index++) {
    bytes.fill(index + 1);
    hash.update(bytes);
    await file.write(index * MiB, bytes);
  }
  return hash.digest('hex');
}

function filesOf({ files }: Nginx, path = `dumps/${name}`): readonly string[] {
  const folder = join(files, path);
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

/** The server clears up behind a connection that broke, but not at once. */
async function untilClear({ temporary }: Nginx): Promise<void> {
  for (let tries = 0; tries < 200 && readdirSync(temporary).length > 0; tries++) await delay(25);
}

t.test('a capture lands under its names, for nobody else to read', async (t) => {
  const nginx = await server(t);
  const context = contextFor(nginx);
  const store = await openHttpStore(context);
  t.equal(store.where, `http://127.0.0.1:${nginx.port}/dumps/server-2026-11-21-08%3A00%3A00`);
  t.equal(store.seekable, false);
  t.equal(await store.freeBytes(), undefined);
  await store.save('vmcore-dmesg.txt', Buffer.from('log'));
  const file = await store.create('vmcore.flat');
  const sum = await write(file, 5);
  t.same(filesOf(nginx), ['vmcore-dmesg.txt']);
  await file.finish(true);
  await store.save('manifest.json', Buffer.from('{}'));
  t.same(filesOf(nginx), ['manifest.json', 'vmcore-dmesg.txt', 'vmcore.flat']);
  const path = join(nginx.files, 'dumps', name, 'vmcore.flat');
  t.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), sum);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(await store.sha256('vmcore.flat'), sum);
  const entries = [...(await store.list())].sort((a, b) => a.name.localeCompare(b.name));
  t.same(entries, [
    { name: 'manifest.json', sizeBytes: 2 },
    { name: 'vmcore-dmesg.txt', sizeBytes: 3 },
    { name: 'vmcore.flat', sizeBytes: 5 * MiB },
  ]);
  await store.remove('vmcore-dmesg.txt');
  await store.remove('vmcore-dmesg.txt');
  t.same(filesOf(nginx), ['manifest.json', 'vmcore.flat']);
  t.same(readdirSync(nginx.temporary), []);
});

t.test('captures of one second have folders of their own, and know of each other', async (t) => {
  const nginx = await server(t);
  await (await openHttpStore(contextFor(nginx))).save('vmcore-dmesg.txt', Buffer.from('first'));
  const second = await openHttpStore(contextFor(nginx));
  t.match(second.where, /%3A00\.2$/);
  const adopted = await openHttpStore(contextFor(nginx, { adopt: true }));
  t.match(adopted.where, /08%3A00%3A00$/);
  t.same(await second.captures(), [name]);
  const later = await openHttpStore(contextFor(nginx, { path: '/put-only' }));
  await later.save('vmcore-dmesg.txt', Buffer.from('first'));
  t.match((await openHttpStore(contextFor(nginx, { path: '/put-only' }))).where, /\.2$/);
});

t.test('a dump that ended early has a name that says so, and is replaced by the next attempt', async (t) => {
  const nginx = await server(t);
  const store = await openHttpStore(contextFor(nginx));
  const file = await store.create('vmcore.flat');
  const sum = await write(file, 2);
  await file.finish(false);
  t.same(filesOf(nginx), ['vmcore.flat-incomplete']);
  t.equal(await store.sha256('vmcore.flat-incomplete'), sum);
  const again = await store.create('vmcore.flat');
  t.same(filesOf(nginx), []);
  await write(again, 1);
  await again.finish(true);
  t.same(filesOf(nginx), ['vmcore.flat']);
});

t.test('nothing stays of a file that is given up', async (t) => {
  const nginx = await server(t);
  for (const canRename of [true, false]) {
    const store = await openHttpStore(contextFor(nginx, { canRename, adopt: true }));
    const file = await store.create('vmcore.flat');
    await write(file, 3);
    await file.discard();
    await untilClear(nginx);
    t.same(filesOf(nginx), []);
    t.same(readdirSync(nginx.temporary), []);
    await t.rejects(file.write(3 * MiB, new Uint8Array(1)), { code: 'remote/broken' });
  }
});

t.test('a server that does not rename gets the whole or nothing', async (t) => {
  const nginx = await server(t);
  const changes = { path: '/put-only', canRename: false };
  const store = await openHttpStore(contextFor(nginx, changes));
  const early = await store.create('vmcore.flat');
  await write(early, 2);
  await t.rejects(early.finish(false), { code: 'remote/unsupported', hint: /MOVE/ });
  await untilClear(nginx);
  t.same([...filesOf(nginx, `put-only/${name}`), ...readdirSync(nginx.temporary)], []);
  const whole = await store.create('vmcore.flat');
  await write(whole, 2);
  await whole.finish(true);
  t.same(filesOf(nginx, `put-only/${name}`), ['vmcore.flat']);
  t.same(await store.list(), [{ name: 'vmcore.flat', sizeBytes: 2 * MiB }]);
});

t.test('whether a server renames is tried, and nothing stays', async (t) => {
  const nginx = await server(t);
  for (const path of ['dumps', 'put-only', 'small/below']) {
    t.equal(await probeRename(contextFor(nginx, { path: `/${path}` })), path !== 'put-only', path);
    t.same(filesOf(nginx, path), [], path);
  }
});

t.test('each refusal has its own error, and a hint', async (t) => {
  const nginx = await server(t);
  const expected: Record<number, string> = {
    401: 'auth',
    403: 'forbidden',
    404: 'missing',
    405: 'unsupported',
    409: 'missing',
    411: 'unsupported',
    413: 'too-large',
    429: 'server',
    500: 'server',
    503: 'server',
    507: 'no-space',
  };
  const messages = new Set<string>();
  for (const [status, code] of Object.entries(expected)) {
    const attempt = async () => {
      const store = await openHttpStore(contextFor(nginx, { path: `/status/${status}` }));
      await store.save('vmcore-dmesg.txt', Buffer.from('log'));
    };
    const failure = await attempt().catch((error: unknown) => error);
    t.match(failure, { code: `remote/${code}`, hint: /./, message: new RegExp(`\\(status ${status}\\)$`) }, status);
    messages.add(String(failure).replace(/.* at \S+: /, ''));
  }
  t.equal(messages.size, Object.keys(expected).length);
});

t.test('nothing goes where it was not meant to go', async (t) => {
  const nginx = await server(t);
  const open = (path: string) => openHttpStore(contextFor(nginx, { path }));
  const elsewhere = await open('/elsewhere').catch((error: unknown) => error);
  t.match(elsewhere, { code: 'remote/redirect', message: /https:\/\/other\.example\/dumps\/, another host/ });
  t.notMatch(String(elsewhere), /secret/);
  await t.rejects(open('/moved'), { code: 'remote/redirect', message: /on the same host/ });
});

t.test('a body that is too large is refused in the middle of it', async (t) => {
  const nginx = await server(t);
  const store = await openHttpStore(contextFor(nginx, { path: '/small' }));
  const file = await store.create('vmcore.flat');
  await t.rejects(write(file, 64), { code: 'remote/too-large' });
  await file.discard();
  await untilClear(nginx);
  t.same([...filesOf(nginx, `small/${name}`), ...readdirSync(nginx.temporary)], []);
});

t.test('users and passwords', async (t) => {
  const login = { user: 'dumper', password: 'open-sesame-ß' };
  const nginx = await server(t, { login });
  const open = (secret?: RemoteContext['credentials']['secret']) => openHttpStore(contextFor(nginx, { credentials: { secret } }));
  await (await open({ kind: 'basic', ...login })).save('vmcore-dmesg.txt', Buffer.from('log'));
  t.same(filesOf(nginx), ['vmcore-dmesg.txt']);
  const wrong: RemoteContext['credentials']['secret'][] = [
    undefined,
    { kind: 'basic', user: 'dumper', password: 'open-sesam' },
    { kind: 'bearer', token: 'open-sesame' },
    { kind: 'bearer', token: 'open-sesame\r\nx: y' },
    { kind: 'basic', user: 'open:sesame', password: 'x' },
    { kind: 's3', accessKeyId: 'a', secretAccessKey: 'open-sesame' },
  ];
  for (const secret of wrong) {
    const failure = await open(secret).catch((error: unknown) => error);
    t.match(failure, { code: 'remote/auth' });
    t.notMatch(JSON.stringify([String(failure), failure]), /sesam|ZHVtcGVy/);
  }
});

t.test('a token', async (t) => {
  const nginx = await server(t, { more: 'if ($http_authorization != "Bearer abc.def") { return 401; }' });
  const open = (token: string) => openHttpStore(contextFor(nginx, { credentials: { secret: { kind: 'bearer', token } } }));
  await open('abc.def');
  await t.rejects(open('abc.deg'), { code: 'remote/auth' });
});

t.test('certificates', async (t) => {
  const folder = folderFor(t);
  const authority = createAuthority(folder);
  const ca = readFileSync(authority.certificate, 'utf8');
  const start = async (which: string, wish: Partial<Parameters<Authority['issue']>[0]>) => {
    const own = join(folder, which);
    mkdirSync(own);
    return await server(t, { certificate: authority.issue({ name: which, ...wish }) }, own);
  };
  const open = (nginx: Nginx, changes: Changes = {}) => openHttpStore(contextFor(nginx, { credentials: { authority: ca }, ...changes }));
  const good = await start('good', {});
  await (await open(good)).save('vmcore-dmesg.txt', Buffer.from('log'));
  t.same(filesOf(good), ['vmcore-dmesg.txt']);
  await t.rejects(open(good, { credentials: {} }), { code: 'remote/untrusted', message: /authority/, hint: /authority/ });
  const other = readFileSync(createAuthority(folder, 'other').certificate, 'utf8');
  await t.rejects(open(good, { credentials: { authority: other } }), { code: 'remote/untrusted', message: /authority/ });
  await t.rejects(open(await start('expired', { expired: true })), { code: 'remote/untrusted', message: /expired/, hint: /clock/ });
  const named = await start('named', { names: ['DNS:dumps.invalid'] });
  await t.rejects(open(named), { code: 'remote/untrusted', message: /another name/ });
  // No name server knows it: the address is the one found out beforehand, the name still has to be right.
  await open(named, { host: 'dumps.invalid', addresses: ['127.0.0.1'] });
  await t.rejects(open(good, { host: 'dumps.invalid', addresses: ['127.0.0.1'] }), { code: 'remote/untrusted', message: /another name/ });
});

t.test('certificates of ours', async (t) => {
  const folder = folderFor(t);
  const authority = createAuthority(folder);
  const stranger = createAuthority(folder, 'stranger');
  const nginx = await server(t, { certificate: authority.issue({ name: 'server' }), clientAuthority: authority.certificate }, folder);
  const ca = readFileSync(authority.certificate, 'utf8');
  const open = (credentials: Partial<RemoteContext['credentials']>) =>
    openHttpStore(contextFor(nginx, { credentials: { authority: ca, ...credentials } }));
  await open(pemOf(authority.issue({ name: 'client', use: 'client' })));
  await t.rejects(open({}), { code: 'remote/auth' });
  await t.rejects(open(pemOf(stranger.issue({ name: 'unknown', use: 'client' }))), { code: 'remote/auth' });
  await t.rejects(open({ clientCertificate: 'no certificate', clientKey: 'no key' }), { code: 'remote/auth' });
});

t.test('a server that holds still is a stall', async (t) => {
  const nginx = await server(t);
  const store = await openHttpStore(contextFor(nginx, { limits: { stallMs: 2500 } }));
  const file = await store.create('vmcore.flat');
  await write(file, 1);
  nginx.hold();
  await t.rejects(writeOn(file, 1), { code: 'remote/stalled' });
  nginx.goOn();
  await file.discard();
  await untilClear(nginx);
  t.same([...filesOf(nginx), ...readdirSync(nginx.temporary)], []);
});

/** More than any buffer on the way holds. */
async function writeOn(file: RemoteFile, from: number): Promise<void> {
  for (let index = from; index < 200; index++) await file.write(index * MiB, new Uint8Array(MiB));
}

t.test('a server killed in the middle leaves nothing that looks whole, and takes the next attempt', async (t) => {
  const nginx = await server(t);
  for (const canRename of [true, false]) {
    const store = await openHttpStore(contextFor(nginx, { canRename, adopt: true, limits: { retryMs: 20_000 } }));
    const file = await store.create('vmcore.flat');
    await write(file, 4);
    await nginx.kill();
    await t.rejects(writeOn(file, 4), { code: 'remote/broken' });
    t.same(filesOf(nginx), []);
    const begun = store.create('vmcore.flat');
    await nginx.start();
    const again = await begun;
    const sum = await write(again, 2);
    await again.finish(true);
    t.same(filesOf(nginx), ['vmcore.flat']);
    t.equal(
      createHash('sha256')
        .update(readFileSync(join(nginx.files, 'dumps', name, 'vmcore.flat')))
        .digest('hex'),
      sum,
    );
    await store.remove('vmcore.flat');
  }
});

t.test('a full disk is an error, and the file does not look whole', async (t) => {
  const nginx = await server(t, { diskBytes: 4 * MiB });
  const store = await openHttpStore(contextFor(nginx));
  await store.save('vmcore-dmesg.txt', Buffer.from('log'));
  const file = await store.create('vmcore.flat');
  const sending = async () => {
    await write(file, 16);
    await file.finish(true);
  };
  await t.rejects(sending(), { code: 'remote/server', hint: /disk/ });
  await file.discard();
  t.same(await store.list(), [{ name: 'vmcore-dmesg.txt', sizeBytes: 3 }]);
});

t.test('a server that does not like to be asked beforehand gets the body at once', async (t) => {
  const received: Record<string, number> = {};
  const listening = createServer((request, response) => {
    let length = 0;
    request.on('data', (chunk) => {
      length += chunk.length;
    });
    request.on('end', () => {
      received[`${request.method} ${request.url}`] = length;
      response.writeHead(request.method === 'HEAD' ? 404 : 201).end();
    });
  });
  listening.on('checkContinue', (_, response) => response.writeHead(417).end());
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  t.teardown(() => listening.close());
  const address = listening.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { place, ...context } = contextFor({ origin: 'http:', port });
  const store = await openHttpStore({ ...context, place: { ...place, path: '/' } as HttpPlace });
  const file = await store.create('vmcore.flat');
  await write(file, 2);
  await file.finish(true);
  t.equal(received['PUT /server-2026-11-21-08%3A00%3A00/vmcore.flat-incomplete'], 2 * MiB);
  t.ok('MOVE /server-2026-11-21-08%3A00%3A00/vmcore.flat-incomplete' in received);
});
