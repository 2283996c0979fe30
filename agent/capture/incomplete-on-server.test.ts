import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ArmedTarget } from '../config/armed-plan.ts';
import { openSource } from '../format/open-source.ts';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { withHole } from '../testing/hole-in-file.ts';
import { createNodeSystem } from '../testing/node-system.ts';
import { startNginx } from '../testing/servers/nginx.ts';
import { capture } from './capture.ts';

/** Pages of the kernel. */
const hole = { from: 1_000_000, to: 1_300_000 };

/** A web server that takes files and renames none. */
async function createServer(t: Test) {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const nginx = await startNginx(root);
  t.teardown(() => nginx.kill());
  const target: ArmedTarget & { kind: 'remote' } = {
    kind: 'remote',
    wish: `${nginx.origin}/put-only`,
    place: { kind: 'http', secure: false, host: '127.0.0.1', port: nginx.port, path: '/put-only' },
    addresses: ['127.0.0.1'],
    credentials: join(root, 'credentials'),
    canRename: false,
  };
  const below = (folder: string, file = '') => join(nginx.files, 'put-only', folder, file);
  return { target, below, list: (folder: string) => (existsSync(below(folder)) ? readdirSync(below(folder)).sort() : []) };
}

async function endPfnOf(path: string): Promise<number> {
  const system = await createNodeSystem();
  const memory = openSource([system.openFile(path)], system.openCodec);
  memory.close();
  return memory.endPfn;
}

t.test('memory that lacks pages lands on a server that does not rename, under the name that says incomplete', async (t) => {
  const { target, below, list } = await createServer(t);
  const machine = await createCaptureMachine(t, { system: (base) => withHole(base, '/proc/vmcore', hole) });
  const result = capture(machine.system, captureSettings({ targets: [target] }));
  t.match(result, { status: 'partial', manifest: { transfer: { attempts: 2 } } });
  const name = decodeURIComponent(result.where?.split('/').at(-1) ?? '');
  t.equal(name, 'test-2026-03-04-05:06:07');
  t.same(list(name), ['kcapture.log', 'manifest.json', 'vmcore-dmesg.txt', 'vmcore.flat-incomplete']);
  t.ok((await endPfnOf(below(name, 'vmcore.flat-incomplete'))) > 0);
  t.match(readFileSync(below(name, 'kcapture.log'), 'utf8'), /sent again under the name that says incomplete/);
  const { files = [] } = result.manifest ?? {};
  t.match(
    files.find((file) => file.name === 'vmcore.flat-incomplete'),
    { complete: false, sha256: /^[0-9a-f]{64}$/ },
  );
});
