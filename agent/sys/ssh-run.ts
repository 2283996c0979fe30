/** Runs a program on the far machine of an ssh connection. */
import type { Client, ClientChannel } from 'ssh2';
import { KiB } from '../binary/units.ts';
import { NetworkError } from './network-error.ts';
import type { SshRequests } from './ssh-requests.ts';

const mostOutputBytes = 64 * KiB;

type RunResult = { readonly status: number; readonly stdout: string };

/** @returns `undefined` when the server runs nothing for us, or not within the time, or with more output than 64 KiB. @throws NetworkError */
export async function runOverSsh(
  client: Client,
  requests: SshRequests,
  argv: readonly string[],
  timeoutMs: number,
): Promise<RunResult | undefined> {
  const command = argv.map(quoted).join(' ');
  let channel: ClientChannel;
  try {
    channel = await requests.ask<ClientChannel>((answer) => client.exec(command, answer));
  } catch (cause) {
    if (cause instanceof NetworkError) throw cause;
    return undefined;
  }
  try {
    // The limit is the caller's: a program may be silent for as long as that.
    return await requests.ask<RunResult | undefined>((answer) => collect(channel, timeoutMs, answer), Number.POSITIVE_INFINITY);
  } finally {
    channel.close();
  }
}

/** One word for a POSIX shell. @source POSIX.1-2017, Shell Command Language 2.2.2 */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function collect(channel: ClientChannel, timeoutMs: number, answer: (error: undefined, result?: RunResult) => void): void {
  const pieces: Buffer[] = [];
  let [length, status] = [0, undefined as number | undefined];
  const timer = setTimeout(() => answer(undefined), timeoutMs);
  channel.on('error', () => answer(undefined));
  channel.on('data', (piece: Buffer) => {
    length += piece.length;
    if (length > mostOutputBytes) answer(undefined);
    else pieces.push(piece);
  });
  channel.stderr.on('error', () => {}).resume();
  channel.on('exit', (code: unknown) => {
    if (typeof code === 'number') status = code;
  });
  channel.on('close', () => {
    clearTimeout(timer);
    answer(undefined, status === undefined ? undefined : { status, stdout: Buffer.concat(pieces).toString() });
  });
  channel.end();
}
