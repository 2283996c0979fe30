/**
 * What a store's refusal means. Comes in: an answer that is none of success. Goes out: a RemoteError with the store's own code.
 *
 * @source Amazon S3 API Reference, "Error responses"; what Ceph's gateway, MinIO, SeaweedFS and Swift answer
 */
import { printable } from '../../binary/printable.ts';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { RemoteError } from '../remote-store.ts';
import { readXml, textOf, type XmlElement } from './xml.ts';

export class S3Error extends RemoteError {
  readonly status: number;
  /** `NoSuchUpload` and the like; empty when the answer names none. */
  readonly s3Code: string;

  constructor(code: string, message: string, details: { status: number; s3Code: string; where: string; hint: string | undefined }) {
    super(code, message, { where: details.where, hint: details.hint });
    this.status = details.status;
    this.s3Code = details.s3Code;
  }
}

const codes: Readonly<Record<string, string>> = {
  NoSuchBucket: 'remote/missing',
  NoSuchKey: 'remote/missing',
  NoSuchUpload: 'remote/missing',
  AccessDenied: 'remote/forbidden',
  AllAccessDisabled: 'remote/forbidden',
  AccountProblem: 'remote/forbidden',
  InvalidObjectState: 'remote/forbidden',
  InvalidAccessKeyId: 'remote/auth',
  SignatureDoesNotMatch: 'remote/auth',
  InvalidToken: 'remote/auth',
  InvalidSecurity: 'remote/auth',
  NotSignedUp: 'remote/auth',
  ExpiredToken: 'remote/expired',
  TokenRefreshRequired: 'remote/expired',
  RequestTimeTooSkewed: 'remote/clock',
  RequestExpired: 'remote/clock',
  PermanentRedirect: 'remote/redirect',
  TemporaryRedirect: 'remote/redirect',
  Redirect: 'remote/redirect',
  AuthorizationHeaderMalformed: 'remote/redirect',
  EntityTooLarge: 'remote/too-large',
  QuotaExceeded: 'remote/no-space',
  InsufficientStorage: 'remote/no-space',
  XMinioStorageFull: 'remote/no-space',
  SlowDown: 'remote/server',
  InternalError: 'remote/server',
  ServiceUnavailable: 'remote/server',
  OperationAborted: 'remote/server',
  RequestTimeout: 'remote/server',
  BadDigest: 'remote/broken',
  IncompleteBody: 'remote/broken',
  XAmzContentSHA256Mismatch: 'remote/broken',
  NotImplemented: 'remote/unsupported',
};

const statuses: Readonly<Record<number, string>> = {
  401: 'remote/auth',
  403: 'remote/forbidden',
  404: 'remote/missing',
  408: 'remote/server',
  413: 'remote/too-large',
  429: 'remote/server',
  507: 'remote/no-space',
};

const hints: Readonly<Record<string, string>> = {
  'remote/forbidden':
    'Let these credentials read, write, list and delete below the prefix: s3:PutObject, s3:GetObject, s3:DeleteObject, s3:ListBucket, s3:AbortMultipartUpload, s3:ListBucketMultipartUploads',
  'remote/auth': 'Give the access key and its secret again: kcapture target add URL',
  'remote/expired': 'Get new credentials: kcapture target add URL',
  'remote/no-space': 'Make room in the bucket, or raise its quota',
  'remote/too-large': 'Ask whoever runs the store for the largest object and part it takes',
};

type Asked = {
  /** `upload part 3 of "vmcore.flat"`. */
  readonly what: string;
  readonly where: string;
  /** Must not be repeated, should the server do so. */
  readonly secrets: readonly string[];
  readonly nowMs: number;
};

/** @param answer of a status that is no success, or of a success with an error in it. */
export function s3ErrorFrom(answer: HttpAnswer, asked: Asked): S3Error {
  const error = errorIn(answer.body);
  const s3Code = (error && textOf(error, 'Code')) ?? '';
  const code = codeOf(answer.status, s3Code, error);
  const said = [s3Code, textOf(error ?? emptyElement, 'Message')].filter((text) => text !== undefined && text !== '').join(': ');
  const words = said === '' ? '' : `, ${printable(withoutSecrets(said, asked.secrets), 300)}`;
  return new S3Error(code, `Cannot ${asked.what} at ${asked.where}: the store answered ${answer.status}${words}`, {
    status: answer.status,
    s3Code,
    where: asked.where,
    hint: hintFor(code, s3Code, { answer, error, asked }),
  });
}

/** The error an answer holds, whatever its status: a store that has begun to answer 200 can tell a failure in no other way. */
export function errorIn(body: Uint8Array): XmlElement | undefined {
  try {
    const root = readXml(body);
    return root.name === 'Error' ? root : undefined;
  } catch {
    return undefined;
  }
}

const emptyElement: XmlElement = { name: '', text: '', children: [] };

function codeOf(status: number, s3Code: string, error: XmlElement | undefined): string {
  // Of a wrong region the answer names the right one; without it something else is wrong with the signature.
  if (s3Code === 'AuthorizationHeaderMalformed' && textOf(error ?? emptyElement, 'Region') === undefined) return 'remote/auth';
  if (status >= 300 && status < 400) return 'remote/redirect';
  return (
    (Object.hasOwn(codes, s3Code) ? codes[s3Code] : undefined) ??
    statuses[status] ??
    (status >= 500 || status < 400 ? 'remote/server' : 'remote/unsupported')
  );
}

type Found = { readonly answer: HttpAnswer; readonly error: XmlElement | undefined; readonly asked: Asked };

function hintFor(code: string, s3Code: string, { answer, error, asked }: Found): string | undefined {
  if (code === 'remote/redirect') return redirectHint(answer, error);
  if (s3Code === 'NoSuchBucket') return 'Make the bucket, or correct its name in the URL';
  if (code === 'remote/clock') {
    const theirs = Date.parse(answer.headers.date ?? '');
    const known = Number.isNaN(theirs) ? '' : `, the store's ${new Date(theirs).toISOString()}`;
    return `Set the clocks: ours says ${new Date(asked.nowMs).toISOString()}${known}; 15 minutes are allowed`;
  }
  return hints[code];
}

function redirectHint({ headers }: HttpAnswer, error: XmlElement | undefined): string {
  const region = headers['x-amz-bucket-region'] ?? textOf(error ?? emptyElement, 'Region');
  if (region !== undefined && region !== '') return `The bucket lies in another region: write region=${printable(region, 60)} in the URL`;
  const endpoint = textOf(error ?? emptyElement, 'Endpoint');
  if (endpoint !== undefined && endpoint !== '')
    return `The bucket is found at ${printable(endpoint, 200)}: write it as endpoint= in the URL`;
  return 'Correct the endpoint, the region and the style in the URL';
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), text);
}
