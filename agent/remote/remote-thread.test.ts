import t from 'tap';
import type { RemoteSystem } from './remote-thread.ts';
import { runRemoteThread } from './remote-thread.ts';
import { RemoteExchange } from './remote-exchange.ts';
import type { RemoteAnswer, RemoteRequest, RemoteTask } from './remote-messages.ts';
import { RemoteError, type RemoteFile, type RemoteStore } from './remote-store.ts';

/** Files whose writes end when the test says so; what the thread posts, in its order. */
function startThread() {
  const exchange = new RemoteExchange();
  const writes: { readonly fail: () => void; readonly end: () => void }[] = [];
  const posted: RemoteAnswer[] = [];
  let listener: (message: unknown) => void = () => {};
  const file: RemoteFile = {
    write: () =>
      new Promise((end, reject) => writes.push({ end, fail: () => reject(new RemoteError('remote/broken', 'Cannot write: it broke')) })),
    sync: async () => {},
    finish: async () => {},
    discard: async () => {},
  };
  const store = {
    where: 'here',
    seekable: true,
    create: async () => file,
    save: async () => {},
    close: async () => {},
  } as unknown as RemoteStore;
  const task = { kind: 'remote', shared: exchange.shared } as unknown as RemoteTask;
  const system = { files: {}, kernel: {}, network: {}, freeMemory: () => {} } as unknown as RemoteSystem;
  const port = {
    post: (message: unknown) => void posted.push(message as RemoteAnswer),
    onMessage: (heard: (message: unknown) => void) => {
      listener = heard;
    },
    close: () => {},
  };
  runRemoteThread(system, port, task, async () => store);
  let id = 0;
  return {
    exchange,
    writes,
    posted,
    write: (offset: number) => listener({ call: 'write', slot: exchange.takeSlot(), offset, length: 10 } as RemoteRequest),
    async call(request: object) {
      const own = ++id;
      listener({ ...request, id: own });
      while (!posted.some((answer) => 'id' in answer && answer.id === own)) await turn();
      return posted.find((answer) => 'id' in answer && answer.id === own);
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

t.test('what fails of a file that was let go is not told of the one after it', async (t) => {
  const { call, write, writes, posted } = startThread();
  await call({ call: 'open' });
  await call({ call: 'create', name: 'vmcore' });
  write(0);
  await call({ call: 'create', name: 'vmcore' });
  write(0);
  t.equal(writes.length, 2);
  writes[0].fail();
  await turn();
  t.notOk(
    posted.some(({ kind }) => kind === 'failed'),
    'the first file is nobody’s any more',
  );
  writes[1].fail();
  await turn();
  t.equal(posted.filter(({ kind }) => kind === 'failed').length, 1, 'a failure of the file of now is told once');
  t.match(await call({ call: 'sync' }), { kind: 'error', error: { code: 'remote/broken' } });
  await call({ call: 'close' });
});

t.test('slots come back whatever becomes of their file', async (t) => {
  const { call, write, writes, exchange } = startThread();
  await call({ call: 'open' });
  await call({ call: 'create', name: 'vmcore' });
  for (let index = 0; index < 8; index++) write(index * 10);
  t.equal(writes.length, 4, 'so many are under way at a time');
  await call({ call: 'discard' });
  const slots = Array.from({ length: 8 }, () => exchange.takeSlot());
  t.same(slots, [0, 1, 2, 3, 4, 5, 6, 7]);
  await call({ call: 'close' });
});

t.test('without a file nothing is reported as safe', async (t) => {
  const { call } = startThread();
  t.match(await call({ call: 'save', name: 'a', content: new Uint8Array() }), { kind: 'error', error: { message: /not opened/ } });
  await call({ call: 'open' });
  t.match(await call({ call: 'sync' }), { kind: 'error', error: { code: 'remote/broken', message: /none was begun/ } });
  t.match(await call({ call: 'finish', complete: true }), { kind: 'error', error: { code: 'remote/broken' } });
  t.match(await call({ call: 'finish', complete: false }), { kind: 'answer' });
  await call({ call: 'close' });
});
