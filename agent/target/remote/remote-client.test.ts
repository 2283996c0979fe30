import t from 'tap';
import type { RemoteAnswer, RemoteTask } from '../../remote/remote-messages.ts';
import type { Thread } from '../../sys/thread-interface.ts';
import { RemoteClient } from './remote-client.ts';

type Posted = { readonly call: string; readonly id: number };

const limits = { connectMs: 10, stallMs: 10, retryMs: 10, bufferBytes: 0 };

/** A client of a thread that is the test itself. */
function createClient(react: (request: Posted, answer: (message: RemoteAnswer) => void) => void, ended: { value: boolean }) {
  const messages: RemoteAnswer[] = [];
  let clock = 0;
  const thread: Thread = {
    post: (message) => react(message as Posted, (answer) => messages.push(answer)),
    take: () => messages.shift(),
    get hasEnded() {
      return ended.value;
    },
    end: () => {},
  };
  const openThread = () => thread;
  const task = { limits } as unknown as Omit<RemoteTask, 'kind' | 'shared'>;
  const system = { now: () => (clock += 1), openThread };
  const client = new RemoteClient(system, task, 'the place', { onWait: () => {}, onNote: () => {} });
  return { client };
}

t.test('what a thread says last is heard, though it has ended since', (t) => {
  const ended = { value: false };
  const { client } = createClient(({ id }, answer) => {
    answer({ kind: 'answer', id, value: 7 });
    ended.value = true;
  }, ended);
  t.equal(client.call({ call: 'freeBytes' }), 7);
  t.end();
});

t.test('a thread that ends without an answer is told at once, and for good', (t) => {
  const ended = { value: false };
  const { client } = createClient(() => {
    ended.value = true;
  }, ended);
  t.throws(() => client.call({ call: 'list' }), { code: 'remote/stalled', message: /"the place": the network thread ended/ });
  t.throws(() => client.call({ call: 'list' }), { code: 'remote/stalled', message: /"the place": the network thread ended/ });
  t.throws(() => client.takeSlot(), { code: 'remote/stalled' });
  t.end();
});

t.test('an answer to an earlier call is not taken for that of a later one', (t) => {
  const { client } = createClient(
    ({ id }, answer) => {
      answer({ kind: 'answer', id: id - 1, value: 'old' });
      answer({ kind: 'note', sentence: 'in between' });
      answer({ kind: 'answer', id, value: 'new' });
    },
    { value: false },
  );
  t.equal(client.call({ call: 'list' }), 'new');
  t.end();
});

t.test('a failure that is told of a former file ends with it', (t) => {
  const { client } = createClient(
    ({ call, id }, answer) => {
      if (call === 'create') answer({ kind: 'failed', error: { code: 'remote/broken', message: 'Cannot write: it broke' } });
      answer({ kind: 'answer', id, value: undefined });
    },
    { value: false },
  );
  client.create('vmcore');
  t.equal(client.takeSlot(), 0);
  t.end();
});

t.test('a failure of the file of now is told by whoever asks for room, each time', (t) => {
  const { client } = createClient(
    ({ call, id }, answer) => {
      if (call === 'list') answer({ kind: 'failed', error: { code: 'remote/no-space', message: 'Cannot write: full' } });
      answer({ kind: 'answer', id, value: undefined });
    },
    { value: false },
  );
  client.create('vmcore');
  client.call({ call: 'list' });
  t.throws(() => client.takeSlot(), { code: 'remote/no-space' });
  t.throws(() => client.takeSlot(), { code: 'remote/no-space' });
  t.end();
});
