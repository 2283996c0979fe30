/**
 * Sends a file to an ssh server under Bun, whose cryptography is not Node's. Prints `done`, or the error as JSON.
 *
 *     ssh-driver PORT USER PRIVATE-KEY-FILE HOST-KEY FROM TO
 */
import { readFileSync } from 'node:fs';
import { KcaptureError } from '../errors.ts';
import { openSshSession } from '../sys/ssh-client.ts';

const pieceBytes = 300_000;
const [port, user = '', keyFile = '', hostKey = '', from = '', to = ''] = process.argv.slice(2);

try {
  const session = await openSshSession({
    host: '127.0.0.1',
    port: Number(port),
    user,
    privateKey: readFileSync(keyFile, 'utf8'),
    trust: (key) => key === hostKey,
    connectMs: 10_000,
    stallMs: 20_000,
  });
  const content = readFileSync(from);
  const file = await session.open(to, 'create');
  const writes: Promise<void>[] = [];
  for (let at = 0; at < content.length; at += pieceBytes) writes.push(file.write(at, content.subarray(at, at + pieceBytes)));
  await Promise.all(writes);
  await file.sync();
  await file.close();
  session.end();
  console.log('done');
} catch (error) {
  if (!(error instanceof KcaptureError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }));
}
