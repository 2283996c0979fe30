import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { silentProgress } from '../dump/progress.ts';
import { writeServerFacts } from '../host/target/server-facts.ts';
import { createCaptureMachine } from '../testing/capture-machine.ts';
import { withHole } from '../testing/hole-in-file.ts';
import { startNginx } from '../testing/servers/nginx.ts';
import { dumpToServer } from './dump-to-server.ts';

const request = {
  source: '/proc/vmcore',
  outputs: [],
  format: 'kdump',
  flattened: false,
  codec: 'zstd',
  codecLevel: undefined,
  levels: [0],
  overwrite: false,
  inPlace: false,
  dryRun: false,
  mmap: false,
  threads: 1,
} as const;

async function createServer(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const nginx = await startNginx(root);
  t.teardown(() => nginx.kill());
  const credentials = join(root, 'credentials');
  mkdirSync(credentials);
  const names = (folder: string) => {
    const path = join(nginx.files, folder);
    return existsSync(path)
      ? readdirSync(path, { recursive: true })
          .map(String)
          .filter((name) => name.includes('/'))
      : [];
  };
  return { origin: nginx.origin, credentials, names, log: join(root, 'logs/access.log') };
}

t.test('memory that lacks pages lands on a server that does not rename, under the name that says incomplete', async (t) => {
  const { origin, credentials, names } = await createServer(t);
  const machine = await createCaptureMachine(t, { system: (base) => withHole(base, '/proc/vmcore', { from: 2_100_000, to: 2_150_000 }) });
  const notes: string[] = [];
  const onNote = (sentence: string) => void notes.push(sentence);
  const result = dumpToServer(machine.system, { url: `${origin}/put-only`, credentials, request, progress: silentProgress, onNote });
  t.match(result, { complete: false, problemCode: 'dump/unreadable', transfer: { attempts: 2 } });
  t.match(notes, [/sent again under the name that says incomplete/]);
  t.match(names('put-only'), [/\/vmcore\.flat-incomplete$/]);
});

t.test('what the trial of a target found out about its server is used, for that URL alone', async (t) => {
  const { origin, credentials, names, log } = await createServer(t);
  const machine = await createCaptureMachine(t);
  const [known, other] = [`${origin}/dumps/known`, `${origin}/dumps/other`];
  mkdirSync(machine.path(credentials), { recursive: true });
  writeServerFacts(machine.system, credentials, { url: known, canRename: true, bytesPerSecond: undefined, checkedAt: undefined });
  for (const url of [known, other])
    t.match(dumpToServer(machine.system, { url, credentials, request, progress: silentProgress, onNote() {} }), { complete: true });
  t.match(names('dumps').sort(), [/^known\/[^/]*$/, /^known\/.*\/vmcore\.flat$/, /^other\/[^/]*$/, /^other\/.*\/vmcore\.flat$/]);
  const moves = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line.includes('MOVE '));
  t.match(moves, [/known.*vmcore\.flat-incomplete/]);
  t.equal(moves.length, 1);
});
