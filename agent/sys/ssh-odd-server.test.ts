import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SFTPWrapper } from 'ssh2';
import t from 'tap';
import { makeKeyPair } from '../remote/ssh/key-pair.ts';
import { makePattern } from '../testing/pattern.ts';
import { type OddAnswers, startPlainSftp } from '../testing/servers/plain-sftp.ts';
import type { SshSession } from './network-interface.ts';
import { openSshSession } from './ssh-client.ts';

type Test = { readonly teardown: (handler: () => unknown) => unknown };

const { privateKey } = makeKeyPair('');
const request = { host: '127.0.0.1', user: 'somebody', privateKey, connectMs: 5000, stallMs: 5000 };

async function session(test: Test, odd?: OddAnswers, stallMs = 5000): Promise<SshSession> {
  const server = await startPlainSftp(odd);
  const opened = await openSshSession({ ...request, port: server.port, trust: (key) => key === server.hostKey, stallMs });
  test.teardown(() => {
    opened.end();
    server.close();
  });
  return opened;
}

function scratch(test: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kcapture-sftp-'));
  test.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test('a server without extensions', async (t) => {
  const ssh = await session(t);
  const folder = scratch(t);
  const content = makePattern(1_000_000);
  const file = await ssh.open(`${folder}/a`, 'create');
  await Promise.all([file.write(500_000, content.subarray(500_000)), file.write(0, content.subarray(0, 500_000))]);
  t.equal(await file.sync(), false, 'says that it cannot make it durable');
  t.same(Buffer.from(await file.read(0, 2_000_000)), Buffer.from(content));
  await file.close();
  writeFileSync(`${folder}/b`, 'older');
  await ssh.rename(`${folder}/a`, `${folder}/b`);
  t.ok(readFileSync(`${folder}/b`).equals(content), 'a name that is taken is freed first');
  t.equal(await ssh.freeBytes(folder), undefined);
  for (let number = 0; number < 25; number++) writeFileSync(`${folder}/${number}`, '');
  t.equal((await ssh.list(folder)).length, 26);
  t.equal(await ssh.run(['true'], 2000), undefined);
});

t.test('answers that make no sense', async (t) => {
  const ok = (sftp: SFTPWrapper, id: number) => sftp.status(id, 0);
  const broken = { code: /^network\/(protocol|broken)$/ };
  const folder = scratch(t);
  await t.rejects((await session(t, { STAT: ok })).status('/'), broken);
  await t.rejects((await session(t, { STAT: (sftp, id) => sftp.data(id, Buffer.alloc(9)) })).status('/'), broken);
  await t.rejects((await session(t, { OPEN: ok })).open(`${folder}/a`, 'create'), broken);
  await t.rejects((await session(t, { OPENDIR: ok })).list('/'), broken);
  await t.rejects((await session(t, { READDIR: ok })).list('/'), broken);
  const more = await session(t, { READ: (sftp, id) => sftp.data(id, Buffer.alloc(100)) });
  t.equal((await (await more.open(`${folder}/b`, 'create')).read(0, 10)).length, 10, 'more than was asked for is cut');
  const huge = await session(t, { READ: (sftp, id) => sftp.data(id, Buffer.alloc(400_000)) });
  await t.rejects((await huge.open(`${folder}/c`, 'create')).read(0, 10), broken);
});

t.test('names that lead elsewhere are not listed', async (t) => {
  const names = ['a', '..', '.', '../b', '/etc', 'c\0', ''];
  let rounds = 0;
  const ssh = await session(t, {
    READDIR: (sftp, id) => {
      if (rounds++ > 0) return void sftp.status(id, 1);
      sftp.name(id, names.map((filename) => ({ filename, longname: '', attrs: {} })) as never);
    },
  });
  t.same(await ssh.list('/tmp'), ['a']);
});

t.test('a folder without end', async (t) => {
  const names = Array.from({ length: 1000 }, (_, index) => ({ filename: `name${index}`, longname: '', attrs: {} }));
  const ssh = await session(t, { READDIR: (sftp, id) => void sftp.name(id, names as never) });
  await t.rejects(ssh.list('/tmp'), { code: 'network/protocol' });
});

t.test('a list of nothing without end', async (t) => {
  let asked = 0;
  const ssh = await session(t, {
    READDIR: (sftp, id) => {
      asked++;
      sftp.name(id, [{ filename: '..', longname: '', attrs: {} }] as never);
    },
  });
  await t.rejects(ssh.list('/tmp'), { code: 'network/protocol' });
  t.equal(asked, 16);
});

t.test('an answer that never comes ends when the limit is over, though the connection lives', async (t) => {
  const ssh = await session(t, { STAT() {} }, 400);
  await t.rejects(ssh.status('/'), { code: 'network/stalled' });
});

t.test('a server that speaks something else, says nothing, goes on for ever, or hangs up', async (t) => {
  const speak = async (answer: (socket: Socket) => void, code: RegExp) => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await t.rejects(openSshSession({ ...request, port, trust: () => true, stallMs: 1500 }), { code });
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  await speak((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /^network\/(broken|protocol)$/);
  await speak((socket) => socket.write('SSH-2.0-x\r\n'.concat('\xff'.repeat(5000))), /^network\/(broken|protocol)$/);
  await speak((socket) => socket.write('SSH-1.5-old\r\n'), /^network\/(broken|protocol)$/);
  await speak(() => {}, /^network\/stalled$/);
  await speak((socket) => socket.destroy(), /^network\/broken$/);
  await speak(async (socket) => {
    while (!socket.destroyed) {
      socket.write('a line before the greeting\r\n');
      await delay(20);
    }
  }, /^network\/stalled$/);
  await speak((socket) => socket.write('x'.repeat(1 << 20)), /^network\/(broken|protocol)$/);
});
