/**
 * Keys and URLs of a store.
 *
 * ```
 * <prefix>/<machine-id>/<capture>/vmcore-dmesg.txt
 *                                 vmcore.flat, vmcore.flat-incomplete
 *                                 manifest.json
 * ```
 */
import type { S3Place } from '../../config/remote-place.ts';

/** Instead of a machine id that is not known. */
const unknownMachine = 'unknown-machine';

/** Key of the folder of a machine, with a slash at its end. */
export function machineFolder({ prefix }: S3Place, machineId: string | undefined): string {
  return `${prefix === '' ? '' : `${prefix}/`}${machineId ?? unknownMachine}/`;
}

/** URL of a key, or of the bucket; the query sorted as it comes. */
export function s3Url(place: S3Place, key: string | undefined, query: Readonly<Record<string, string>> = {}): string {
  const words = Object.entries(query).map(([name, value]) => `${encodeS3(name)}=${encodeS3(value)}`);
  const path = key === undefined ? '' : key.split('/').map(encodeS3).join('/');
  return `${bucketUrl(place)}/${path}${words.length === 0 ? '' : `?${words.join('&')}`}`;
}

function bucketUrl({ endpoint, bucket, style }: S3Place): string {
  return style === 'path' ? `${endpoint}/${bucket}` : endpoint.replace('://', `://${bucket}.`);
}

/** What a signature covers is encoded like this and not otherwise. @source Amazon S3 API Reference, "Signature calculations", UriEncode */
function encodeS3(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** For people: no secret, no endpoint. */
export function whereOf({ bucket }: S3Place, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** What the header `x-amz-copy-source` says. */
export function copySource({ bucket }: S3Place, key: string): string {
  return `/${bucket}/${key.split('/').map(encodeS3).join('/')}`;
}
