/** One request to a real server, from Node and from Bun. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { postJson } from './post-json.ts';
import type { PostResult } from './system.ts';

type Post = (url: string, timeoutMs: number) => Promise<PostResult>;

const onNode: Post = (url, timeoutMs) => postJson(url, { sent: 'ä' }, { timeoutMs, headers: { 'x-own': 'yes' } });
const onBun: Post = async (url, timeoutMs) => {
  const run = spawn('node_modules/.bin/bun', ['agent/testing/machine-driver.ts', 'post', url, String(timeoutMs)]);
  return JSON.parse(await text(run.stdout));
};

for (const [name, post] of Object.entries({ Node: onNode, Bun: onBun })) {
  t.test(`${name} sends the body and tells the status`, async (t) => {
    const seen: { request: IncomingMessage; body: string }[] = [];
    const server = createServer(async (request, response) => {
      seen.push({ request, body: await text(request) });
      if (request.url === '/moved') response.writeHead(302, { location: '/other' });
      else response.statusCode = request.url === '/bad' ? 500 : 204;
      response.end();
    });
    const url = await listen(server);
    t.teardown(() => server.close());
    t.same(await post(`${url}/good`, 10_000), { status: 204 });
    t.same(await post(`${url}/bad`, 10_000), { status: 500 });
    t.same(await post(`${url}/moved`, 10_000), { status: 302 }, 'a redirect is not followed');
    t.same(
      seen.map(({ request }) => `${request.method} ${request.url}`),
      ['POST /good', 'POST /bad', 'POST /moved'],
    );
    t.same(JSON.parse(seen[0].body), { sent: 'ä' });
    t.match(seen[0].request.headers, { 'content-type': 'application/json', 'x-own': 'yes' });
  });

  t.test(`${name} gives up on a server that says nothing, refuses, or is none`, async (t) => {
    const silent = createTcpServer((socket) => socket.on('error', () => {}));
    const url = await listen(silent);
    t.same(await post(`${url}/?token=secret`, 100), { status: 0, problem: 'no answer within 100 ms' });
    silent.close();
    const closed = createTcpServer();
    const gone = await listen(closed);
    closed.close();
    await once(closed, 'close');
    t.same(await post(gone, 10_000), { status: 0, problem: 'the server refuses the connection' });
    t.same(await post('no url', 10_000), { status: 0, problem: 'the address is no URL' });
    const { status, problem } = await post('http://secret@127.0.0.1:1/token', 10_000);
    t.equal(status, 0);
    t.notMatch(problem, /secret|token/);
  });
}

async function listen(server: ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
