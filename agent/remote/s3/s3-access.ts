/**
 * Signed requests to one bucket. Comes in: what to ask. Goes out: the answer, if it is one of success.
 *
 * The payload's SHA-256 is part of each signature: a store refuses what the way has changed. A bucket under object lock wants the MD5 as well, which it gets
 * with small objects at once, with parts from the first refusal on: of all that an upload costs, MD5 would be two fifths (1.2 s of 3.0 s a GiB,
 * measured).
 *
 * @source Amazon S3 API Reference, "Authenticating requests (AWS Signature Version 4)"
 */
import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { MiB } from '../../binary/units.ts';
import type { S3Place } from '../../config/remote-place.ts';
import type { HttpAnswer } from '../../sys/network-interface.ts';
import { RemoteError, type RemoteContext } from '../remote-store.ts';
import { findAddresses } from '../find-addresses.ts';
import { retrying } from '../retry.ts';
import { errorIn, S3Error, s3ErrorFrom } from './s3-error.ts';
import { s3Url, whereOf } from './s3-names.ts';
import { XmlError } from './xml.ts';

/** What of a context the requests need. */
export type S3Context = Pick<
  RemoteContext,
  'network' | 'place' | 'addresses' | 'credentials' | 'limits' | 'wallClockMs' | 'onNote' | 'onProgress'
>;

export type Payload = {
  readonly bytes: Uint8Array;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
};

export type S3Request = {
  /** `upload part 3 of "vmcore.flat"`. */
  readonly what: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** `undefined`: the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: Payload;
  /** An answer of 200 may hold an error. */
  readonly lateError?: boolean;
  readonly mostAnswerBytes?: number;
  /** Ends it for good; its reason is thrown. */
  readonly signal?: AbortSignal;
};

export interface S3Access {
  readonly place: S3Place;
  /** Again and again within the limits. @param read takes what is wanted out of the answer; what it cannot read is a fault of the server. */
  ask<T>(request: S3Request, read: (answer: HttpAnswer) => T): Promise<T>;
  /** As `ask`, for what has no answer to read. */
  tell(request: S3Request): Promise<void>;
}

/** What costs nothing worth measuring. */
const smallBytes = MiB;

const emptyPayload = payloadOf(new Uint8Array(0));

export function payloadOf(bytes: Uint8Array): Payload {
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** @throws RemoteError `remote/auth`: no credentials, or those of something else; `remote/expired`. */
export function createS3Access(context: S3Context): S3Access {
  const { place } = context;
  if (place.kind !== 's3') throw new RemoteError('remote/unsupported', `Cannot use a place of kind ${place.kind} as a store of objects`);
  const secret = checkSecret(context, place);
  const host = new URL(s3Url(place, undefined)).hostname.replace(/^\[|\]$/g, '');
  let addresses: readonly string[] | undefined;
  let wantsMd5 = false;
  const ask = <T>(request: S3Request, read: (answer: HttpAnswer) => T): Promise<T> =>
    retrying(context, request.what, async (signal) => {
      addresses ??= await findAddresses(context, host);
      const hadMd5 = wantsMd5;
      try {
        const answer = await sendUnlessEnded({ context, place, keys: secret, addresses, wantsMd5: hadMd5 }, request, signal);
        return readAnswer(read, answer, request, whereOf(place, request.key ?? ''));
      } catch (error) {
        // The store may have moved.
        addresses = undefined;
        if (hadMd5 || !asksForMd5(error)) throw error;
        wantsMd5 = true;
        throw new RemoteError('remote/server', error.message, { where: error.where, cause: error });
      }
    });
  return { place, ask, tell: (request) => ask(request, () => undefined) };
}

/** @source Amazon S3 User Guide, "Managing Object Lock": uploads to a bucket with a retention period */
function asksForMd5(error: unknown): error is S3Error {
  return error instanceof S3Error && error.status === 400 && /Content-MD5/i.test(error.message);
}

/** An upload that is given up is not tried again. */
async function sendUnlessEnded(sender: Sender, request: S3Request, over: AbortSignal): Promise<HttpAnswer> {
  const { signal } = request;
  try {
    signal?.throwIfAborted();
    return await send(sender, { ...request, signal: signal === undefined ? over : AbortSignal.any([over, signal]) });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

function readAnswer<T>(read: (answer: HttpAnswer) => T, answer: HttpAnswer, { what }: S3Request, where: string): T {
  try {
    return read(answer);
  } catch (cause) {
    if (!(cause instanceof XmlError)) throw cause;
    throw new RemoteError('remote/server', `Cannot ${what} at ${where}: the store's answer makes no sense`, { where, cause });
  }
}

type Keys = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
};

function checkSecret({ credentials: { secret }, wallClockMs }: S3Context, place: S3Place): Keys {
  const where = whereOf(place, place.prefix);
  if (secret?.kind !== 's3') {
    throw new RemoteError('remote/auth', `Cannot sign requests to ${where}: there are no credentials for it`, {
      where,
      hint: 'Give an access key: kcapture target add URL',
    });
  }
  const expiresAtMs = secret.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(secret.expiresAt);
  if (!(expiresAtMs > wallClockMs())) {
    throw new RemoteError('remote/expired', `Cannot use the credentials for ${where}: they were valid until ${secret.expiresAt}`, {
      where,
      hint: 'Get new credentials: kcapture target add URL',
    });
  }
  return secret;
}

type Sender = {
  readonly context: S3Context;
  readonly place: S3Place;
  readonly keys: Keys;
  readonly addresses: readonly string[];
  readonly wantsMd5: boolean;
};

async function send({ context, place, keys, addresses, wantsMd5 }: Sender, request: S3Request): Promise<HttpAnswer> {
  const payload = request.payload ?? (request.method === 'PUT' || request.method === 'POST' ? emptyPayload : undefined);
  const url = s3Url(place, request.key, request.query);
  const { limits, credentials } = context;
  const answer = await context.network.http({
    method: request.method,
    url,
    headers: await sign({ url, place, keys, payload, request, wantsMd5, nowMs: context.wallClockMs() }),
    body: payload?.bytes,
    addresses,
    tls: { authority: credentials.authority, certificate: credentials.clientCertificate, key: credentials.clientKey },
    connectMs: limits.connectMs,
    stallMs: limits.stallMs,
    mostAnswerBytes: request.mostAnswerBytes,
    onSent: context.onProgress,
    signal: request.signal,
  });
  const isSuccess = answer.status >= 200 && answer.status < 300;
  if (isSuccess && !(request.lateError && errorIn(answer.body) !== undefined)) return answer;
  const secrets = [keys.secretAccessKey, keys.sessionToken, keys.accessKeyId].filter((each) => each !== undefined);
  throw s3ErrorFrom(answer, { what: request.what, where: whereOf(place, request.key ?? ''), secrets, nowMs: context.wallClockMs() });
}

type Signable = {
  readonly url: string;
  readonly place: S3Place;
  readonly keys: Keys;
  readonly payload: Payload | undefined;
  readonly request: S3Request;
  readonly wantsMd5: boolean;
  readonly nowMs: number;
};

async function sign({ url, place, keys, payload, request, wantsMd5, nowMs }: Signable): Promise<Record<string, string>> {
  const signer = new AwsV4Signer({
    method: request.method,
    url,
    headers: {
      ...request.headers,
      'x-amz-content-sha256': (payload ?? emptyPayload).sha256,
      ...md5Of(payload, wantsMd5),
    },
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    sessionToken: keys.sessionToken,
    service: 's3',
    region: place.region,
    datetime: new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, ''),
  });
  const { headers } = await signer.sign();
  if (payload !== undefined) headers.set('content-length', `${payload.bytes.length}`);
  return Object.fromEntries(headers.entries());
}

function md5Of(payload: Payload | undefined, isWanted: boolean): Record<string, string> {
  if (payload === undefined || payload.bytes.length === 0 || !(isWanted || payload.bytes.length <= smallBytes)) return {};
  return { 'content-md5': createHash('md5').update(payload.bytes).digest('base64') };
}
