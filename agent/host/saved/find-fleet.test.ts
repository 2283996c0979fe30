import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { listCommand } from '../../commands/list.ts';
import { credentialFiles } from '../../config/credentials.ts';
import { credentialsFolder, formatSecret } from '../../config/credential-files.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import { openS3Store } from '../../remote/s3/s3-store.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { createRootedSystem } from '../../testing/rooted-system.ts';
import { startS3 } from '../../testing/servers/s3.ts';

const folder = mkdtempSync(join(tmpdir(), 'kcapture-fleet-'));
const s3 = await startS3(folder);
t.teardown(async () => {
  await s3.kill();
  rmSync(folder, { recursive: true });
});

t.test('the crashes of a fleet are listed, finished or not', async (t) => {
  const { accessKeyId, secretAccessKey, place } = s3;
  const secret = { kind: 's3', accessKeyId, secretAccessKey } as const;
  const system = await createRootedSystem(t.testdir({}));
  const path = join(system.root, credentialsFolder(place), credentialFiles.secret);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatSecret(secret), { mode: 0o600 });
  const none = { privateKey: undefined, knownHosts: undefined, authority: undefined, clientCertificate: undefined, clientKey: undefined };
  const save = async (machineId: string, name: string, files: Record<string, string>) => {
    const store = await openS3Store({
      network: system.network,
      place,
      addresses: [],
      credentials: { ...none, secret },
      canRename: false,
      capture: { name, machineId, startedAtMs: 0 },
      adopt: false,
      limits: { connectMs: 5000, stallMs: 10_000, retryMs: 10_000, bufferBytes: 0 },
      wallClockMs: () => Date.now(),
      onNote() {},
      onProgress() {},
    });
    for (const [file, content] of Object.entries(files)) await store.save(file, Buffer.from(content));
  };
  const whole = buildManifest({ files: [{ name: 'vmcore.flat', sizeBytes: 4, sha256: undefined, complete: true }], panic: 'evil\x1b[2J' });
  await save('m1', 'web-2026-03-02-00:00:00', { 'vmcore.flat': 'core', 'manifest.json': JSON.stringify(whole) });
  await save('m2', 'db-2026-03-01-00:00:00', { 'vmcore-dmesg.txt': 'log', 'vmcore.flat': 'core' });
  await save('m3', 'db-2026-03-03-00:00:00', { 'manifest.json': '{' });
  await save('m3', 'something-else', { 'manifest.json': '{' });
  const url = formatRemoteUrl(place);
  const run = async (...words: string[]) => {
    system.printed.out = '';
    await new Command().addCommand(listCommand(system)).parseAsync(['list', ...words], { from: 'user' });
    return system.printed.out;
  };
  const text = await run(url);
  t.match(
    text,
    /2026-03-01 00:00:00 {2}INTERRUPTED .*db .*s3:\/\/crashes\/dumps\/m2\/db-2026-03-01-00:00:00\n2026-03-02 00:00:00 {2}complete .*m1\/web.*\n {4}evil\\x1b/,
  );
  t.notMatch(text, /something-else/);
  const json = JSON.parse(await run(url, '--json'));
  t.match(json.saved, [
    { machineId: 'm2', status: 'interrupted' },
    { machineId: 'm1', status: 'complete', release: '6.1.0-13-amd64', problems: [] },
    { machineId: 'm3', status: 'interrupted', problems: [/no JSON/] },
  ]);
  await t.rejects(run('ssh://a@b/c'), { code: 'usage/list' });
  await t.rejects(run(url, '/folder'), { code: 'usage/list' });
  t.match(await run('/nowhere'), /No captures/);
});
