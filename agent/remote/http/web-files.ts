/** Files and folders of a web server, as far as it has methods for them. @source RFC 4918 */

import { retrying } from '../retry.ts';
import type { HttpLink } from './http-link.ts';
import { isSuccess, statusError } from './http-status.ts';

/** Size by HEAD; `undefined`: there is none, or the server does not say. -1: there is one of unknown size. */
export async function sizeOf(link: HttpLink, url: string): Promise<number | undefined> {
  const answer = await link.ask('look for a file', { method: 'HEAD', url }, [403, 404, 405, 409, 410, 501]);
  if (!isSuccess(answer)) return undefined;
  const length = answer.headers['content-length'] ?? '';
  return /^\d{1,15}$/.test(length) ? Number(length) : -1;
}

/** Nothing happens when there is none. @throws RemoteError when it stays, or when the server does not say. */
export async function removeFile(link: HttpLink, url: string): Promise<void> {
  const answer = await link.ask('remove a file', { method: 'DELETE', url }, [403, 404, 405, 409, 410, 501]);
  if (isSuccess(answer) || isGone(answer.status)) return;
  const found = await link.ask('look for a file', { method: 'HEAD', url }, [403, 404, 405, 409, 410, 501]);
  if (!isGone(found.status)) throw statusError(answer, 'remove a file', url);
}

function isGone(status: number): boolean {
  return status === 404 || status === 410;
}

/** Replaces what has the name. @param sizeBytes of the file, to know it again when the answer was lost. */
export async function move(link: HttpLink, from: string, to: string, sizeBytes: number): Promise<void> {
  let attempts = 0;
  await retrying(link.context, 'rename a file', async (signal) => {
    attempts++;
    const answer = await link.once({ method: 'MOVE', url: from, headers: { destination: to, overwrite: 'T' }, signal });
    if (isSuccess(answer)) return;
    if (attempts > 1 && [404, 409].includes(answer.status) && (await sizeOf(link, to)) === sizeBytes) return;
    throw statusError(answer, 'rename a file', from);
  });
}

/**
 * Makes a folder, or finds that it is there or that the server makes folders when a file comes.
 * @returns true when it is new.
 * @throws RemoteError of the connection, of a server that fails, or does not know us.
 */
export async function makeFolder(link: HttpLink, url: string): Promise<boolean> {
  // What a server without the method says to it differs much; whether files can be put there shows with the first.
  const answer = await link.ask('make a folder', { method: 'MKCOL', url: `${url}/` }, [400, 403, 404, 405, 409, 411, 415, 501]);
  if (answer.status === 400) {
    const error = statusError(answer, 'make a folder', url);
    if (error.code === 'remote/auth') throw error;
  }
  return answer.status === 201;
}
