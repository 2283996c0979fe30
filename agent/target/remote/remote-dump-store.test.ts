import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { FolderBehaviour } from '../../testing/folder-remote.ts';
import { createNodeSystem } from '../../testing/node-system.ts';
import { openRemoteDumpStore, type RemoteStoreRequest } from './remote-dump-store.ts';

const name = 'test-2026-03-04-05:06:07';
const limits = { connectMs: 1000, stallMs: 1000, retryMs: 1000, bufferBytes: 1 << 20 };

async function openFolder(t: Test, behaviour: FolderBehaviour = {}, changes: Partial<RemoteStoreRequest> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'behaviour.json'), JSON.stringify(behaviour));
  const notes: string[] = [];
  const system = await createNodeSystem();
  const open = () =>
    openRemoteDumpStore(system, {
      wish: 'http://folder/',
      place: { kind: 'http', secure: false, host: 'folder', port: 80, path: root },
      addresses: [],
      credentials: undefined,
      canRename: true,
      capture: { name, machineId: undefined, startedAtMs: 0 },
      adopt: false,
      limits,
      onWait: () => {},
      onNote: (sentence) => void notes.push(sentence),
      ...changes,
    });
  return {
    root,
    notes,
    open,
    read: (file: string) => readFileSync(join(root, name, file)),
    list: () => readdirSync(join(root, name)).sort(),
  };
}

/** As `dump()` does it. */
function writeMemory(store: ReturnType<typeof openRemoteDumpStore>, pieces: readonly (readonly [number, Uint8Array])[]) {
  const { path, system } = store.memory;
  const sink = system.createFile(`${path}-incomplete`, { overwrite: true });
  for (const [offset, bytes] of pieces) sink.write(offset, bytes);
  sink.sync();
  sink.close();
  system.rename(`${path}-incomplete`, path);
}

function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 7 + (index >> 8)) & 0xff);
}

t.test('small files and a large one arrive as they were sent, and are told with their checksums', async (t) => {
  const { open, read, list } = await openFolder(t);
  const store = open();
  store.save('vmcore-dmesg.txt', 'the log');
  store.keepLog('so far');
  const bytes = pattern(5_000_000);
  const pieces = Array.from(
    { length: 50 },
    (_, index) => [index * 100_000, bytes.subarray(index * 100_000, (index + 1) * 100_000)] as const,
  );
  writeMemory(store, pieces);
  store.finishMemory(true);
  t.same(store.storedFiles(), [
    { name: 'vmcore-dmesg.txt', sizeBytes: 7, complete: true },
    { name: 'vmcore', sizeBytes: 5_000_000, complete: true },
  ]);
  t.match(
    store.sha256('vmcore', () => {}),
    /^[0-9a-f]{64}$/,
  );
  t.match(store.transfer?.(), { sentBytes: 5_000_000, attempts: 1, wayBack: undefined });
  store.save('kcapture.log', 'all');
  t.ok(store.freeBytes() > 0);
  store.close();
  t.same(list(), ['kcapture.log', 'vmcore', 'vmcore-dmesg.txt']);
  t.ok(read('vmcore').equals(bytes));
});

t.test('bytes written twice end as they were written last', async (t) => {
  const { open, read } = await openFolder(t);
  const store = open();
  const expected = Buffer.alloc(3 << 20);
  const pieces: [number, Uint8Array][] = [];
  for (let index = 0; index < 400; index++) {
    const offset = (index * 7919 * 64) % (2 << 20);
    const bytes = pattern(40_000, index);
    expected.set(bytes, offset);
    pieces.push([offset, bytes]);
  }
  writeMemory(store, [[0, new Uint8Array(3 << 20)], ...pieces]);
  store.close();
  t.ok(read('vmcore').equals(expected));
});

t.test('a place that takes a stream gets it in order, under the name of a flattened dump', async (t) => {
  const { open, read } = await openFolder(t, { seekable: false });
  const store = open();
  t.equal(store.memory.flattened, true);
  const bytes = pattern(3_000_001);
  writeMemory(store, [
    [0, bytes.subarray(0, 16)],
    [16, bytes.subarray(16, 2_000_000)],
    [2_000_000, bytes.subarray(2_000_000)],
  ]);
  t.match(store.transfer?.().wayBack, /rearrange vmcore\.flat/);
  store.close();
  t.ok(read('vmcore.flat').equals(bytes));
});

t.test('a place that takes a stream refuses to go back', async (t) => {
  const { open } = await openFolder(t, { seekable: false });
  const store = open();
  const sink = store.memory.system.createFile(`${store.memory.path}-incomplete`);
  sink.write(0, pattern(10));
  t.throws(() => sink.write(5, pattern(10)), { code: 'sink/io', message: /expected 10/ });
  store.close();
});

t.test('a failure of a write is told by the next call, and the file may be begun anew', async (t) => {
  const faults = [{ at: 1_500_000, how: 'remote/broken' }];
  const { open, read, list, notes } = await openFolder(t, { seekable: false, faults });
  const store = open();
  const bytes = pattern(20_000_000);
  t.throws(() => writeMemory(store, [[0, bytes]]), { code: 'sink/broken', message: /remote\/broken/ });
  writeMemory(store, [[0, bytes]]);
  store.finishMemory(true);
  t.match(notes, ['begins vmcore.flat anew']);
  t.match(store.transfer?.(), { attempts: 2, sentBytes: bytes.length });
  store.close();
  t.same(list(), ['vmcore.flat']);
  t.ok(read('vmcore.flat').equals(bytes));
});

t.test('each failure has the meaning that the run knows', async (t) => {
  for (const [seekable, how, code] of [
    [true, 'remote/no-space', 'sink/no-space'],
    [false, 'remote/too-large', 'sink/no-space'],
    [true, 'remote/broken', 'sink/io'],
    [false, 'remote/server', 'sink/broken'],
    [false, 'remote/forbidden', 'sink/io'],
  ] as const) {
    const { open, list } = await openFolder(t, { seekable, faults: [{ at: 100, how }] });
    const store = open();
    t.throws(() => writeMemory(store, [[0, pattern(2_000_000)]]), { code });
    store.finishMemory(false);
    const file = `${seekable ? 'vmcore' : 'vmcore.flat'}-incomplete`;
    t.same(store.storedFiles(), [{ name: file, sizeBytes: 100, complete: false }]);
    store.close();
    t.same(list(), [file]);
  }
});

t.test('a place that refuses costs the target and nothing else', async (t) => {
  const { open } = await openFolder(t, { refuses: 'remote/auth' });
  t.throws(open, { code: 'target/remote', message: /remote\/auth/ });
});

t.test('a server that never answers is given up, and each later call fails at once', async (t) => {
  const { open } = await openFolder(t, { seekable: false, faults: [{ at: 100, how: 'hang' }] });
  const store = open();
  t.throws(() => writeMemory(store, [[0, pattern(20_000_000)]]), { code: 'sink/broken', message: /not answered within/ });
  t.throws(() => store.save('manifest.json', '{}'), { code: 'target/remote', message: /not answered within/ });
  store.finishMemory(false);
  t.same(store.storedFiles(), []);
  store.close();
});

t.test('a thread that dies is no endless wait', async (t) => {
  const { open } = await openFolder(t, { faults: [{ at: 100, how: 'die' }] });
  const store = open();
  store.save('vmcore-dmesg.txt', 'the log');
  t.throws(() => writeMemory(store, [[0, pattern(20_000_000)]]), { code: 'sink/io', message: /ended by an error/ });
  t.same(store.storedFiles(), [{ name: 'vmcore-dmesg.txt', sizeBytes: 7, complete: true }], 'what was saved before stays known');
  store.close();
});

t.test('the run may end a wait', async (t) => {
  let isOver = false;
  const onWait = (phase: string) => {
    if (isOver && phase === 'memory') throw new Error('time is over');
  };
  const { open } = await openFolder(t, { faults: [{ at: 100, how: 'hang' }] }, { onWait });
  const store = open();
  isOver = true;
  t.throws(() => writeMemory(store, [[0, pattern(20_000_000)]]), { message: 'time is over' });
  store.close();
});

t.test('a dump that gets its name after the run has given up waiting keeps it', async (t) => {
  let isOver = false;
  const onWait = (phase: string) => {
    if (isOver && phase !== 'other') throw new Error('time is over');
  };
  const { open, list } = await openFolder(t, { finishMs: 300 }, { onWait });
  const store = open();
  const { path, system } = store.memory;
  const sink = system.createFile(`${path}-incomplete`, { overwrite: true });
  sink.write(0, pattern(1000));
  sink.sync();
  sink.close();
  isOver = true;
  t.throws(() => system.rename(`${path}-incomplete`, path), { message: 'time is over' });
  store.finishMemory(false);
  t.same(store.transfer?.().notes, [], 'the same file is not ended twice');
  store.close();
  t.same(list(), ['vmcore']);
});

t.test('captures of this host within the window are counted', async (t) => {
  const { open, root } = await openFolder(t);
  for (const other of ['test-2026-03-04-05:00:00', 'test-2026-03-01-05:00:00', 'other-2026-03-04-05:00:00', 'junk'])
    mkdirSync(join(root, other));
  const store = open();
  t.equal(store.countRecent(Date.UTC(2026, 2, 4, 5, 6, 7), 3_600_000), 1);
  store.close();
  t.ok(existsSync(join(root, name)));
});
