import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { ArmedTarget } from '../config/armed-plan.ts';
import { captureSettings, createCaptureMachine } from '../testing/capture-machine.ts';
import { capture } from './capture.ts';

/** Broken off with its `looks`th look. */
async function breakOff(t: Parameters<typeof createCaptureMachine>[0], looks: number) {
  const root = mkdtempSync(join(tmpdir(), 'kcapture-test-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const server: ArmedTarget = {
    kind: 'remote',
    wish: 'the server',
    place: { kind: 'http', secure: false, host: 'folder', port: 80, path: root },
    addresses: [],
    credentials: join(root, 'credentials'),
    canRename: true,
  };
  const machine = await createCaptureMachine(t);
  const folder = { kind: 'folder', wish: 'the disk', folder: '/target' } as const;
  let left = looks;
  const result = capture(machine.system, { ...captureSettings({ targets: [server, folder] }), isBrokenOff: () => left-- <= 0 });
  return { result, files: readdirSync(root, { recursive: true }).map(String), disk: machine.list('/target') };
}

t.test('a run that is broken off leaves nothing of the memory on the server, and tries no other target', async (t) => {
  for (const looks of [1, 5, 12]) {
    const { result, files, disk } = await breakOff(t, looks);
    // How far it had come when it looked depends on how busy this machine is: the log may be there already.
    t.match(result, { status: /^(failed|dmesg-only)$/, asWished: false }, `${looks}`);
    t.ok(
      result.failedTargets.every(({ why }) => /was broken off/.test(why)),
      `${looks}`,
    );
    t.same(
      files.filter((name) => /vmcore(\.flat)?(-incomplete)?$/.test(name)),
      [],
      `${looks}`,
    );
    t.same(disk, ['.keep 644']);
  }
});
