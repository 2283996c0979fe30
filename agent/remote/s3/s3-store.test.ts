import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import type { S3Place } from '../../config/remote-place.ts';
import { createNetwork } from '../../sys/network.ts';
import { makePattern } from '../../testing/pattern.ts';
import { startFaultProxy } from '../../testing/servers/fault-proxy.ts';
import { type S3Server, startS3 } from '../../testing/servers/s3.ts';
import type { RemoteContext, RemoteFile, RemoteLimits } from '../remote-store.ts';
import { copyObject } from './copy-object.ts';
import { listUploads } from './list-bucket.ts';
import { listFleet } from './list-fleet.ts';
import { getObject, objectBytes } from './objects.ts';
import { createS3Access } from './s3-access.ts';
import { openS3Store } from './s3-store.ts';
import { S3Upload } from './s3-upload.ts';

const MiB = 1024 * 1024;
const name = 'worker-2026-11-21-08:00:00';
const folder = mkdtempSync(join(tmpdir(), 'kcapture-s3-'));
const s3: S3Server = await startS3(folder);
t.teardown(async () => {
  await s3.kill();
  rmSync(folder, { recursive: true });
});
/** Three parts, the last one short. */
const bytes = makePattern(12 * MiB + 345);

type Changes = Partial<Omit<RemoteContext, 'place' | 'limits' | 'credentials'>> & {
  readonly place?: Partial<S3Place>;
  readonly limits?: Partial<RemoteLimits>;
  readonly secret?: { accessKeyId?: string; secretAccessKey?: string; sessionToken?: string; expiresAt?: string };
};

let machines = 0;

/** Each with a machine of its own, so that tests do not see each other. */
function contextFor({ place, limits, secret, ...changes }: Changes = {}): RemoteContext {
  const { accessKeyId, secretAccessKey } = s3;
  const none = { privateKey: undefined, knownHosts: undefined, authority: undefined, clientCertificate: undefined, clientKey: undefined };
  return {
    network: createNetwork(),
    place: { ...s3.place, ...place },
    addresses: [],
    credentials: { ...none, secret: { kind: 's3', accessKeyId, secretAccessKey, ...secret } },
    canRename: false,
    capture: { name, machineId: `machine${machines++}`, startedAtMs: 0 },
    adopt: false,
    limits: { connectMs: 5000, stallMs: 20_000, retryMs: 60_000, bufferBytes: 10 * MiB, ...limits },
    wallClockMs: () => Date.now(),
    onNote() {},
    onProgress() {},
    ...changes,
  };
}

async function fill(file: RemoteFile, content = bytes): Promise<void> {
  for (let at = 0; at < content.length; at += 1_000_000) await file.write(at, content.subarray(at, at + 1_000_000));
}

function keyOf(context: RemoteContext, file: string): string {
  return `dumps/${context.capture.machineId}/${name}/${file}`;
}

async function readBack(context: RemoteContext, file: string): Promise<Uint8Array | undefined> {
  return await getObject(createS3Access({ ...context, place: s3.place }), keyOf(context, file), 16 * MiB);
}

function uploadsOf(context: RemoteContext) {
  return listUploads(createS3Access({ ...context, place: s3.place }), `dumps/${context.capture.machineId}/`, 100);
}

t.test('what is uploaded in parts comes back as it was', async (t) => {
  const context = contextFor();
  const store = await openS3Store(context);
  t.equal(store.where, `s3://crashes/dumps/${context.capture.machineId}/${name}`);
  await store.save('vmcore-dmesg.txt', Buffer.from('a log'));
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.sync();
  t.same(await store.list(), [{ name: 'vmcore-dmesg.txt', sizeBytes: 5 }], 'nobody sees it before it is whole');
  await file.finish(true);
  t.same(await store.list(), [
    { name: 'vmcore-dmesg.txt', sizeBytes: 5 },
    { name: 'vmcore.flat', sizeBytes: bytes.length },
  ]);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat')) ?? new Uint8Array()));
  t.equal(await store.sha256('vmcore.flat'), createHash('sha256').update(bytes).digest('hex'));
  t.equal(await store.freeBytes(), undefined);
  await store.remove('vmcore-dmesg.txt');
  await store.remove('vmcore-dmesg.txt');
  t.equal((await store.list()).length, 1);
});

t.test('what fits into one part is put at once, nothing at all as well', async (t) => {
  for (const [content, complete] of [
    [makePattern(1000), true],
    [new Uint8Array(), true],
    [makePattern(10), false],
  ] as const) {
    const context = contextFor();
    const store = await openS3Store(context);
    const file = await store.create('vmcore.flat');
    await fill(file, content);
    await file.finish(complete);
    t.same(await store.list(), [{ name: complete ? 'vmcore.flat' : 'vmcore.flat-incomplete', sizeBytes: content.length }]);
  }
});

t.test('a dump that ended early gets the name that says so', async (t) => {
  const context = contextFor();
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.finish(false);
  t.same(await store.list(), [{ name: 'vmcore.flat-incomplete', sizeBytes: bytes.length }]);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat-incomplete')) ?? new Uint8Array()));
});

t.test('a dump whose copy fails keeps no name that says it is whole', async (t) => {
  const proxy = await startFaultProxy(s3.port);
  t.teardown(() => proxy.close());
  const context = contextFor({ place: { endpoint: `http://127.0.0.1:${proxy.port}` } });
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  proxy.faults.push({ matches: /^PUT .*-incomplete/, times: 9, does: { answers: 'HTTP/1.1 507 Full\r\nContent-Length: 0\r\n\r\n' } });
  await t.rejects(file.finish(false), { code: 'remote/no-space' });
  t.same(await store.list(), []);
});

t.test('a large object is copied piece by piece', async (t) => {
  const context = contextFor();
  const store = await openS3Store(context);
  await store.save('from', bytes);
  const access = createS3Access(context);
  const request = { from: keyOf(context, 'from'), to: keyOf(context, 'to'), sizeBytes: bytes.length, pieceBytes: 5 * MiB };
  await copyObject(access, request);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'to')) ?? new Uint8Array()));
});

t.test('parts that no memory holds are gathered by the store', async (t) => {
  const context = contextFor();
  const access = createS3Access(context);
  const plan = { bufferBytes: 131_072, directCount: 3, pieces: 3 };
  // Three parts, one gathered whole, one gathered of two pieces.
  for (const [length, complete] of [
    [3 * 131_072 + 3 * 131_072 + 131_072 + 7, true],
    [3 * 131_072 + 3 * 131_072, false],
  ] as const) {
    const key = keyOf(context, 'vmcore.flat');
    const upload = new S3Upload({ access, key, plan, onFinished() {} });
    await fill(upload, bytes.subarray(0, length));
    await upload.finish(complete);
    const found = await readBack(context, complete ? 'vmcore.flat' : 'vmcore.flat-incomplete');
    t.ok(Buffer.from(bytes.subarray(0, length)).equals(found ?? new Uint8Array()));
  }
  t.same(
    (await (await openS3Store({ ...context, adopt: true })).list()).map((file) => file.name),
    ['vmcore.flat-incomplete'],
    'neither what was gathered nor the name of a whole one is left',
  );
  t.same(await uploadsOf(context), []);
  const given = new S3Upload({ access, key: keyOf(context, 'up'), plan, onFinished() {} });
  await fill(given, bytes.subarray(0, 1_000_000));
  await given.discard();
  t.same(await uploadsOf(context), []);
  t.equal(await objectBytes(access, keyOf(context, 'up')), undefined);
});

t.test('a part that is cut, stalled or refused for a while is sent again', async (t) => {
  const proxy = await startFaultProxy(s3.port);
  t.teardown(() => proxy.close());
  const notes: string[] = [];
  const context = contextFor({
    place: { endpoint: `http://127.0.0.1:${proxy.port}` },
    limits: { stallMs: 5000 },
    onNote: (sentence) => notes.push(sentence),
  });
  proxy.faults.push(
    { matches: /partNumber=1/, times: 2, does: 'cut' },
    { matches: /partNumber=2/, times: 1, does: 'stall' },
    { matches: /partNumber=3/, times: 1, does: { answers: 'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n' } },
    { matches: /^POST .*uploadId/, times: 1, does: { answers: 'HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n' } },
  );
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.finish(true);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat')) ?? new Uint8Array()));
  t.ok(proxy.faults.every(({ times }) => times === 0));
  t.match(notes.join('\n'), /upload part 1.*trying again/);
  t.same(await uploadsOf(context), []);
});

t.test('an answer of 200 that holds an error is one, and a lost answer to the last request is none', async (t) => {
  const proxy = await startFaultProxy(s3.port);
  t.teardown(() => proxy.close());
  const context = contextFor({ place: { endpoint: `http://127.0.0.1:${proxy.port}` } });
  const error = '<?xml version="1.0"?>\n\n<Error><Code>InternalError</Code><Message>later</Message></Error>';
  const answers = `HTTP/1.1 200 OK\r\nContent-Length: ${error.length}\r\n\r\n${error}`;
  proxy.faults.push({ matches: /^POST .*uploadId/, times: 1, does: { answers } }, { matches: /^POST .*uploadId/, times: 1, does: 'lose' });
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.finish(true);
  t.same(await store.list(), [{ name: 'vmcore.flat', sizeBytes: bytes.length }]);
});

t.test('a bucket that wants another checksum gets it', async (t) => {
  const proxy = await startFaultProxy(s3.port);
  t.teardown(() => proxy.close());
  const notes: string[] = [];
  const context = contextFor({
    place: { endpoint: `http://127.0.0.1:${proxy.port}` },
    limits: { bufferBytes: 20 * MiB },
    onNote: (sentence) => notes.push(sentence),
  });
  const error =
    '<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters</Message></Error>';
  const answers = `HTTP/1.1 400 Bad\r\nContent-Length: ${error.length}\r\n\r\n${error}`;
  proxy.faults.push({ matches: /partNumber=/, times: 2, does: { answers } });
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.finish(true);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat')) ?? new Uint8Array()));
  t.match(notes, [/Content-MD5.*trying again/]);
});

t.test('a store that goes away and comes back gets the rest', async (t) => {
  const context = contextFor();
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file, bytes.subarray(0, 6 * MiB));
  await file.sync();
  await s3.kill();
  const back = delay(1000).then(() => s3.start());
  for (let at = 6 * MiB; at < bytes.length; at += MiB) await file.write(at, bytes.subarray(at, at + MiB));
  await Promise.all([back, file.finish(true)]);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat')) ?? new Uint8Array()));
});

t.test('nothing stays of an upload that is given up, or that an agent left when it died', async (t) => {
  const before = s3.stored();
  const context = contextFor();
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.discard();
  t.same(s3.stored(), before);
  const dead = await store.create('vmcore.flat');
  await fill(dead);
  await dead.sync();
  t.equal((await uploadsOf(context)).length, 1);
  const next = await openS3Store({ ...context, adopt: true });
  const again = await next.create('vmcore.flat');
  t.same(await uploadsOf(context), []);
  await fill(again);
  await next.close();
  t.same(await uploadsOf(context), []);
  t.same(s3.stored(), before);
  await t.rejects(again.write(bytes.length, new Uint8Array(1)), { code: 'remote/unsupported' });
});

t.test('an upload of another capture of the machine goes when it is old', async (t) => {
  const context = contextFor();
  const other = await openS3Store({ ...context, capture: { ...context.capture, name: 'worker-2026-11-20-08:00:00' } });
  const dead = await other.create('vmcore.flat');
  await fill(dead);
  await (await openS3Store(context)).create('vmcore.flat');
  t.equal((await uploadsOf(context)).length, 1);
  const access = createS3Access(context);
  const { clearLeftovers } = await import('./clear-leftovers.ts');
  const tomorrow = { wallClockMs: () => Date.now() + 25 * 3600_000, onNote() {} };
  await clearLeftovers(access, { machineFolder: `dumps/${context.capture.machineId}/`, key: keyOf(context, 'vmcore.flat') }, tomorrow);
  t.same(await uploadsOf(context), []);
});

t.test('each refusal has its own code, and none tells a secret', async (t) => {
  const secretAccessKey = 'not-the-right-one';
  const wrong = contextFor({ secret: { secretAccessKey } });
  const error = await openS3Store(wrong).then(
    () => undefined,
    (reason) => reason,
  );
  t.match(error, { code: 'remote/auth', message: /SignatureDoesNotMatch/, hint: /kcapture target add/ });
  t.notMatch(`${error.message} ${error.hint} ${error.where}`, /not-the-right-one|test:tester/);
  await t.rejects(openS3Store(contextFor({ secret: { accessKeyId: 'test:nobody' } })), { code: /^remote\/(auth|forbidden)$/ });
  await t.rejects(openS3Store(contextFor({ place: { bucket: 'nowhere' } })), { code: 'remote/missing', hint: /bucket/ });
  await t.rejects(openS3Store(contextFor({ wallClockMs: () => Date.now() - 20 * 60_000 })), {
    code: 'remote/clock',
    message: /RequestTimeTooSkewed/,
    hint: /ours says/,
  });
  const expired = contextFor({ secret: { sessionToken: 'x', expiresAt: '2020-01-01T00:00:00Z' } });
  await t.rejects(openS3Store(expired), { code: 'remote/expired' });
  await t.rejects(openS3Store({ ...contextFor(), credentials: { ...contextFor().credentials, secret: undefined } }), {
    code: 'remote/auth',
  });
  await t.rejects(openS3Store(contextFor({ place: { region: 'elsewhere-1' } })), { code: 'remote/redirect', hint: /region=us-east-1/ });
  const nobody = contextFor({ place: { endpoint: 'http://127.0.0.1:1' }, limits: { retryMs: 100 } });
  await t.rejects(openS3Store(nobody), { code: 'remote/unreachable' });
});

t.test('the bucket may stand in front of the host, whose address is known', async (t) => {
  const context = contextFor({
    place: { endpoint: `http://s3.test:${s3.port}`, style: 'virtual' },
    addresses: ['127.0.0.1'],
    limits: { connectMs: 500 },
  });
  const store = await openS3Store(context);
  const file = await store.create('vmcore.flat');
  await fill(file);
  await file.finish(true);
  t.ok(Buffer.from(bytes).equals((await readBack(context, 'vmcore.flat')) ?? new Uint8Array()));
});

t.test('a second capture within one second gets a number, and earlier ones are known', async (t) => {
  const context = contextFor();
  await (await openS3Store(context)).save('manifest.json', Buffer.from('{}'));
  const second = await openS3Store(context);
  t.ok(second.where.endsWith(`${name}.2`));
  t.same(await second.captures(), [name]);
  t.ok((await openS3Store({ ...context, adopt: true })).where.endsWith(name));
});

t.test('the captures of a fleet are listed with what their manifests say', async (t) => {
  const place = { prefix: 'fleet' };
  for (const [machineId, day, manifest] of [
    ['m1', '03', 'one'],
    ['m2', '01', 'two'],
    ['m2', '02', undefined],
  ] as const) {
    const capture = { name: `w-2026-11-${day}-08:00:00`, machineId, startedAtMs: 0 };
    const store = await openS3Store(contextFor({ place, capture }));
    await store.save('vmcore-dmesg.txt', Buffer.from('log'));
    if (manifest !== undefined) await store.save('manifest.json', Buffer.from(manifest));
  }
  const { captures, isCut } = await listFleet(contextFor({ place }));
  t.equal(isCut, false);
  t.same(
    captures.map((capture) => [capture.machineId, capture.name, capture.manifest, capture.files.length]),
    [
      ['m2', 'w-2026-11-01-08:00:00', 'two', 2],
      ['m2', 'w-2026-11-02-08:00:00', undefined, 1],
      ['m1', 'w-2026-11-03-08:00:00', 'one', 2],
    ],
  );
  const newest = await listFleet(contextFor({ place }), 1);
  t.same([newest.captures.map(({ manifest }) => manifest), newest.isCut], [['one'], true]);
});
