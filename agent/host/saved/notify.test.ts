import t, { type Test } from 'tap';
import { run } from '../../cli.ts';
import type { PostResult } from '../../sys/system.ts';
import { buildManifest } from '../../testing/build-manifest.ts';
import { nodeKernelCalls } from '../../testing/node-kernel-calls.ts';
import { createRootedSystem, putTree } from '../../testing/rooted-system.ts';

const build = { version: '1.2.3', commit: 'abc', runtime: 'node', arch: 'x64' };
const hook = 'https://hooks.example/services/TOPSECRET';
const other = 'https://other.example/x?token=TOPSECRET';
const capture = 'var/crash/worker-2026-03-01-12:34:56/manifest.json';

/** A machine whose web answers as `answers` says, in turn; the last one goes on. */
async function setUp(t: Test, answers: readonly PostResult[], configuration = `notify ${hook}\n`) {
  const root = t.testdir({});
  putTree(root, { 'etc/kcapture.conf': configuration, [capture]: JSON.stringify(buildManifest({ panic: 'bad\x1b[2J' })) });
  const posts: { url: string; body: unknown }[] = [];
  const system = await createRootedSystem(root, {
    kernel: { ...nodeKernelCalls, sleep() {} },
    postJson: async (url, body) => {
      posts.push({ url, body: JSON.parse(JSON.stringify(body)) });
      return answers[Math.min(posts.length, answers.length) - 1];
    },
  });
  return { system, posts, go: (...words: string[]) => run(system, build, ['notify', ...words]) };
}

t.test('a hook hears of a capture once, and its secret is never printed', async (t) => {
  const { system, posts, go } = await setUp(t, [{ status: 200 }]);
  t.equal(await go(), 0);
  t.equal(await go(), 0);
  t.equal(posts.length, 1);
  t.match(posts[0], {
    url: hook,
    body: { event: 'capture', host: 'worker', status: 'complete', panic: 'bad\\x1b[2J', text: /worker crashed/ },
  });
  t.match(system.printed.out, /^told: .*hooks\.example.* about \/var\/crash\/worker/);
  t.match(system.printed.out, /There is nothing new/);
  t.notMatch(system.printed.out + system.files.readTextIfThere('/var/lib/kcapture/notified.json'), /TOPSECRET/);
});

t.test('a hook that does not answer is tried three times, and again the next time', async (t) => {
  const { system, posts, go } = await setUp(t, [{ status: 0, problem: `cannot reach ${hook}` }]);
  t.equal(await go(), 1);
  t.equal(posts.length, 3);
  t.match(system.printed.out, /^failed: .*cannot reach/);
  t.notMatch(system.printed.out, /TOPSECRET/);
  t.equal(await go(), 1);
  t.equal(posts.length, 6);
});

t.test('what passes is waited for, what is refused is not', async (t) => {
  const passing = await setUp(t, [{ status: 503 }, { status: 429 }, { status: 204 }]);
  t.equal(await passing.go(), 0);
  t.equal(passing.posts.length, 3);
  const refused = await setUp(t, [{ status: 404 }]);
  t.equal(await refused.go(), 1);
  t.equal(refused.posts.length, 1);
});

t.test('of two hooks only the one that did not hear is told again', async (t) => {
  const { posts, go } = await setUp(t, [{ status: 200 }, { status: 404 }, { status: 200 }], `notify ${hook}\nnotify ${other}\n`);
  t.equal(await go(), 1);
  t.equal(await go(), 0);
  t.strictSame(
    posts.map(({ url }) => url),
    [hook, other, other],
  );
});

t.test('the first run tells of the latest capture only', async (t) => {
  const { system, posts, go } = await setUp(t, [{ status: 200 }]);
  putTree(system.root, { 'var/crash/worker-2026-05-01-12:34:56/vmcore-incomplete': '', 'var/crash/worker-2025-05-01-12:34:56/vmcore': '' });
  t.equal(await go(), 0);
  t.equal(posts.length, 1);
  t.match(posts[0].body, { folder: '/var/crash/worker-2026-05-01-12:34:56', status: 'interrupted' });
  putTree(system.root, { 'var/crash/worker-2026-06-01-12:34:56/vmcore': '' });
  t.equal(await go(), 0);
  t.equal(posts.length, 2);
});

t.test('a dry run sends and notes nothing', async (t) => {
  const { system, posts, go } = await setUp(t, [{ status: 200 }]);
  t.equal(await go('--dry-run'), 0);
  t.match(system.printed.out, /^would be told: /);
  t.equal(posts.length, 0);
  t.equal(system.files.status('/var/lib/kcapture/notified.json'), undefined);
});

t.test('a note that makes no sense is as good as none', async (t) => {
  for (const note of ['', '{', '5', 'null', '{"captures":null}', '{"captures":{"/var/crash/worker-2026-03-01-12:34:56":7}}']) {
    const { system, posts, go } = await setUp(t, [{ status: 200 }]);
    putTree(system.root, { 'var/lib/kcapture/notified.json': note });
    t.equal(await go(), 0, note);
    t.equal(posts.length, 1, note);
  }
});

t.test('without hooks there is nobody to tell', async (t) => {
  const { system, go } = await setUp(t, [{ status: 200 }], '');
  t.equal(await go(), 0);
  t.match(system.printed.out, /nobody to tell/);
});
