/**
 * Whole objects: small ones are put and read, any is measured and removed.
 *
 * @source Amazon S3 API Reference: PutObject, GetObject, HeadObject, DeleteObject
 */
import { MiB } from '../../binary/units.ts';
import type { Payload, S3Access } from './s3-access.ts';
import { S3Error } from './s3-error.ts';
import { XmlError } from './xml.ts';

/** Replaces what has the key. @throws RemoteError */
export async function putObject(access: S3Access, key: string, payload: Payload): Promise<void> {
  await access.tell({ what: 'save an object', method: 'PUT', key, payload });
}

/** Nothing happens when there is none. @throws RemoteError */
export async function removeObject(access: S3Access, key: string): Promise<void> {
  try {
    await access.tell({ what: 'remove an object', method: 'DELETE', key });
  } catch (error) {
    if (!(error instanceof S3Error) || (error.s3Code !== 'NoSuchKey' && !(error.status === 404 && error.s3Code === ''))) throw error;
  }
}

/** `undefined`: there is none. @throws RemoteError */
export async function objectBytes(access: S3Access, key: string): Promise<number | undefined> {
  try {
    return await access.ask({ what: 'look at an object', method: 'HEAD', key }, ({ headers }) => {
      const length = headers['content-length'] ?? '';
      if (!/^\d{1,15}$/.test(length)) throw new XmlError('xml/bad', 'Cannot read the answer: expected a length');
      return Number(length);
    });
  } catch (error) {
    // The answer to this question has no body that could say more.
    if (error instanceof S3Error && error.status === 404) return undefined;
    throw error;
  }
}

/** At most 16 MiB of it. `undefined`: there is none. @throws RemoteError */
export async function getObject(access: S3Access, key: string, mostBytes: number): Promise<Uint8Array | undefined> {
  try {
    const mostAnswerBytes = Math.min(mostBytes, 16 * MiB);
    return await access.ask({ what: 'read an object', method: 'GET', key, mostAnswerBytes }, ({ body }) => body);
  } catch (error) {
    if (error instanceof S3Error && (error.s3Code === 'NoSuchKey' || (error.status === 404 && error.s3Code === ''))) return undefined;
    throw error;
  }
}
