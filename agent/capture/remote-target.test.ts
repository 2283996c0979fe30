import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ArmedTarget } from '../config/armed-plan.ts';
import { openSource } from '../format/open-source.ts';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import type { FolderBehaviour } from '../testing/folder-remote.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { capture } from './capture.ts';
import type { Manifest } from './manifest.ts';

const name = 'test-2026-03-04-05:06:07';

function createServer(t: Test, behaviour: FolderBehaviour) {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'behaviour.json'), JSON.stringify(behaviour));
  const target: ArmedTarget = {
    kind: 'remote',
    wish: 'the server',
    place: { kind: 'http', secure: false, host: 'folder', port: 80, path: root },
    addresses: [],
    credentials: join(root, 'credentials'),
    canRename: true,
  };
  const path = (file: string) => join(root, name, file);
  const manifest = () => JSON.parse(readFileSync(path('manifest.json'), 'utf8')) as Manifest;
  return { target, path, manifest, list: () => readdirSync(join(root, name)).sort() };
}

const folder: ArmedTarget | { kind: 'folder'; wish: string; folder: string } = { kind: 'folder', wish: 'the disk', folder: '/target' };

t.test('all files arrive on a server, and nothing is left that says incomplete', async (t) => {
  const { target, list, manifest } = createServer(t, {});
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings({ targets: [target, folder] }));
  t.match(result, { status: 'complete', asWished: true, failedTargets: [] });
  t.same(list(), ['kcapture.log', 'manifest.json', 'vmcore', 'vmcore-dmesg.txt']);
  const { status, transfer, files, lost } = manifest();
  t.match({ status, transfer }, { status: 'complete', transfer: { attempts: 1, notes: [] } });
  t.same(lost, []);
  for (const file of files) t.match(file.sha256, /^[0-9a-f]{64}$/);
  t.same(machine.list('/target'), ['.keep 644']);
});

t.test('a stream is a flattened dump that can be read', async (t) => {
  const { target, path, manifest } = createServer(t, { seekable: false });
  const machine = await createCaptureMachine(t);
  t.match(capture(machine.system, captureSettings({ targets: [target] })), { status: 'complete' });
  t.match(manifest().transfer?.wayBack, /rearrange vmcore\.flat vmcore/);
  const system = await createNodeSystem();
  const memory = openSource([system.openFile(path('vmcore.flat'))], system.openCodec);
  t.equal(memory.dumpLevel, 31);
  memory.close();
});

t.test('what cannot be read as the memory of a kernel is flattened too', async (t) => {
  const { target } = createServer(t, { seekable: false });
  const junk = new Uint8Array(3_000_000).fill(7);
  const machine = await createCaptureMachine(t, { vmcore: junk });
  const { where } = capture(machine.system, captureSettings({ targets: [target] }));
  const sent = readFileSync(`${where?.slice('folder://'.length)}/vmcore.flat`);
  t.equal(sent.toString('latin1', 0, 12), 'makedumpfile');
  t.ok(sent.length > junk.length);
});

t.test('a stream that breaks is sent again from its start', async (t) => {
  const faults = [1000, 70_000].map((at) => ({ at, how: 'remote/broken' }));
  const { target, list, manifest } = createServer(t, { seekable: false, faults });
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings({ targets: [target, folder] }));
  t.match(result, { status: 'complete', asWished: true, failedTargets: [] });
  t.same(list(), ['kcapture.log', 'manifest.json', 'vmcore-dmesg.txt', 'vmcore.flat']);
  t.match(manifest().transfer, { attempts: 3, notes: ['begins vmcore.flat anew', 'begins vmcore.flat anew'] });
});

t.test('a stream that breaks again and again gives way to the next target', async (t) => {
  const faults = [1000, 1000, 1000].map((at) => ({ at, how: 'remote/broken' }));
  const { target, list, manifest } = createServer(t, { seekable: false, faults });
  const machine = await createCaptureMachine(t);
  const result = capture(machine.system, captureSettings({ targets: [target, folder] }));
  t.match(result, { status: 'complete', where: `/target/${name}`, failedTargets: [{ target: 'the server', why: /remote\/broken/ }] });
  t.same(list(), ['kcapture.log', 'manifest.json', 'vmcore-dmesg.txt', 'vmcore.flat-incomplete']);
  t.equal(manifest().status, 'partial');
  const own = JSON.parse(machine.read(`/target/${name}/manifest.json`)) as Manifest;
  t.match(own, { status: 'complete', failedTargets: [{ target: 'the server' }] });
  t.notOk('transfer' in own);
});

t.test('a server that refuses, or whose thread dies, gives way to the next target', async (t) => {
  for (const behaviour of [{ refuses: 'remote/auth' }, { faults: [{ at: 1000, how: 'die' }] }] satisfies FolderBehaviour[]) {
    const { target } = createServer(t, behaviour);
    const machine = await createCaptureMachine(t);
    const result = capture(machine.system, captureSettings({ targets: [target, folder] }));
    t.match(result, { status: 'complete', where: `/target/${name}`, failedTargets: [{ target: 'the server' }] });
  }
});

t.test('with room for a smaller dump only, that one is sent', async (t) => {
  const { target, list } = createServer(t, { faults: [{ at: 200_000, how: 'remote/no-space' }] });
  const machine = await createCaptureMachine(t);
  const settings = captureSettings({ targets: [target] });
  const collector = { ...settings.configuration.collector, levels: [0, 31] };
  const result = capture(machine.system, {
    ...settings,
    configuration: { ...settings.configuration, collector } as typeof settings.configuration,
  });
  t.match(result, { status: 'complete', manifest: { dump: { level: 31 }, transfer: { attempts: 2 } } });
  t.same(list(), ['kcapture.log', 'manifest.json', 'vmcore', 'vmcore-dmesg.txt']);
});
