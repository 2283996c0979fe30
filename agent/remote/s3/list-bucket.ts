/**
 * What a bucket holds below a prefix: objects, folders, uploads nobody has ended. Page after page, as many as asked for and no more.
 *
 * @source Amazon S3 API Reference: ListObjectsV2, ListMultipartUploads
 */
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { MiB } from '../../binary/units.ts';
import type { S3Access } from './s3-access.ts';
import { childrenOf, readXml, textOf, type XmlElement, XmlError } from './xml.ts';

export type FoundObject = { readonly key: string; readonly sizeBytes: number };
export type FoundUpload = { readonly key: string; readonly id: string; readonly initiatedMs: number };

/** A page of a thousand keys of a thousand bytes each, escaped. */
const pageBytes = 8 * MiB;
const mostKeysAPage = 1000;

export type ObjectList = {
  readonly objects: readonly FoundObject[];
  /** Up to the next slash behind the prefix. Empty without `folders`. */
  readonly folders: readonly string[];
  /** There is more than was asked for. */
  readonly isCut: boolean;
};

export type ListRequest = {
  readonly prefix: string;
  readonly most: number;
  /** Only what lies right below the prefix, the rest as folders. */
  readonly folders?: boolean;
};

/** @throws RemoteError */
export async function listObjects(access: S3Access, { prefix, most, folders = false }: ListRequest): Promise<ObjectList> {
  const found: FoundObject[] = [];
  const names: string[] = [];
  let next: string | undefined;
  let seen = 0;
  do {
    const room = most - seen;
    if (room <= 0) return { objects: found, folders: names, isCut: true };
    const query = {
      'list-type': '2',
      prefix,
      'max-keys': `${Math.min(room, mostKeysAPage)}`,
      ...(folders ? { delimiter: '/' } : {}),
      ...(next === undefined ? {} : { 'continuation-token': next }),
    };
    const page = await access.ask({ what: 'list the bucket', method: 'GET', query, mostAnswerBytes: pageBytes }, readObjectPage);
    found.push(...page.objects.filter(({ key }) => key.startsWith(prefix)));
    names.push(...page.folders.filter((name) => name.startsWith(prefix)));
    // All counts, what was not asked for too: a store that goes on with that, or with nothing, would go on for ever.
    const count = page.objects.length + page.folders.length;
    seen += count;
    next = count === 0 ? undefined : page.next;
  } while (next !== undefined);
  return { objects: found, folders: names, isCut: false };
}

/** At most `most`. @throws RemoteError */
export async function listUploads(access: S3Access, prefix: string, most: number): Promise<readonly FoundUpload[]> {
  const found: FoundUpload[] = [];
  let seen = 0;
  let next: { readonly 'key-marker': string; readonly 'upload-id-marker': string } | undefined;
  do {
    const query = { uploads: '', prefix, 'max-uploads': `${mostKeysAPage}`, ...next };
    const page = await access.ask({ what: 'list the uploads', method: 'GET', query, mostAnswerBytes: pageBytes }, readUploadPage);
    found.push(...page.uploads.filter(({ key }) => key.startsWith(prefix)));
    seen += page.uploads.length;
    next = page.uploads.length === 0 ? undefined : page.next;
  } while (next !== undefined && seen < most);
  return found.slice(0, most);
}

function readObjectPage({ body }: HttpAnswer) {
  const root = readRoot(body, 'ListBucketResult');
  const objects = childrenOf(root, 'Contents').map((entry) => ({
    key: required(entry, 'Key'),
    sizeBytes: readSize(required(entry, 'Size')),
  }));
  const folders = childrenOf(root, 'CommonPrefixes').map((entry) => required(entry, 'Prefix'));
  const isCut = textOf(root, 'IsTruncated') === 'true';
  return { objects, folders, next: isCut ? required(root, 'NextContinuationToken') : undefined };
}

function readUploadPage({ body }: HttpAnswer) {
  const root = readRoot(body, 'ListMultipartUploadsResult');
  const uploads = childrenOf(root, 'Upload').map((entry) => ({
    key: required(entry, 'Key'),
    id: required(entry, 'UploadId'),
    initiatedMs: Date.parse(textOf(entry, 'Initiated') ?? ''),
  }));
  if (textOf(root, 'IsTruncated') !== 'true') return { uploads, next: undefined };
  return { uploads, next: { 'key-marker': required(root, 'NextKeyMarker'), 'upload-id-marker': required(root, 'NextUploadIdMarker') } };
}

function readRoot(body: Uint8Array, name: string): XmlElement {
  const root = readXml(body);
  if (root.name === name) return root;
  throw new XmlError('xml/bad', `Cannot read the answer: expected ${name}`);
}

function required(element: XmlElement, name: string): string {
  const text = textOf(element, name);
  if (text === undefined || text === '') throw new XmlError('xml/bad', `Cannot read the answer: expected ${name} in ${element.name}`);
  return text;
}

function readSize(text: string): number {
  const size = /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (size < 0) throw new XmlError('xml/bad', 'Cannot read the answer: expected a size');
  return size;
}
