/** Where a target's credentials lie, and the file of its secret. */
import { createHash } from 'node:crypto';
import { credentialsRoot, type Secret } from './credentials.ts';
import { badValue, type ConfigError } from './config-error.ts';
import type { RemotePlace } from './remote-place.ts';
import { formatRemoteUrl } from './remote-url.ts';

const longestField = 8192;

/**
 * The folder of a place's credentials: readable, and another for each account. Where on the server the dumps go is no part of it for ssh, nor are
 * region and style for s3: the same account has the same credentials.
 */
export function credentialsFolder(place: RemotePlace): string {
  return folderFor(accountOf(place));
}

/** A folder with a name that people can read, and another for each account. @param account any text without secrets. */
export function folderFor(account: string): string {
  const readable = account
    .replace(/@/g, '-at-')
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .replace(/\.{2,}/g, '.')
    .slice(0, 64);
  return `${credentialsRoot}/${readable}-${createHash('sha256').update(account).digest('hex').slice(0, 12)}`;
}

function accountOf(place: RemotePlace): string {
  if (place.kind === 'ssh') return formatRemoteUrl({ ...place, path: undefined });
  if (place.kind === 'http') return formatRemoteUrl(place);
  return `s3://${place.bucket}/${place.prefix} ${place.endpoint}`;
}

/** True for the folder of one target's credentials: directly below {@link credentialsRoot}, with a plain name. */
export function isCredentialsFolder(path: string): boolean {
  return path.startsWith(`${credentialsRoot}/`) && /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(path.slice(credentialsRoot.length + 1));
}

/** @throws ConfigError `config/value`, which repeats nothing of the text. */
export function parseSecret(text: string): Secret {
  const fields = parseFields(text);
  switch (fields.kind) {
    case 'basic':
      return { kind: 'basic', user: readUser(fields.user), password: readField('password', fields.password, /^[^\p{Cc}]*$/u) };
    case 'bearer':
      return { kind: 'bearer', token: readField('token', fields.token, /^[\x21-\x7e]+$/) };
    case 's3':
      return readKeys(fields);
    default:
      throw badSecret('the kind is none of basic, bearer and s3');
  }
}

/** What {@link parseSecret} reads. @throws ConfigError `config/value` for what it would refuse */
export function formatSecret(secret: Secret): string {
  return `${JSON.stringify(parseSecret(JSON.stringify(secret)), null, 2)}\n`;
}

type Fields = Readonly<Record<string, unknown>>;

/** What the parser of JSON says of a mistake repeats the text: it goes nowhere. */
function parseFields(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badSecret('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badSecret('it is no JSON object');
  return value as Fields;
}

/** A colon in it would end it. @source RFC 7617 */
function readUser(value: unknown): string {
  return readField('user', value, /^[^\p{Cc}:]+$/u);
}

function readKeys(fields: Fields): Secret {
  const { sessionToken, expiresAt } = fields;
  return {
    kind: 's3',
    accessKeyId: readField('accessKeyId', fields.accessKeyId, /^[A-Za-z0-9._~+=@:-]+$/),
    secretAccessKey: readField('secretAccessKey', fields.secretAccessKey, /^[\x21-\x7e]+$/),
    ...(sessionToken === undefined ? {} : { sessionToken: readField('sessionToken', sessionToken, /^[\x21-\x7e]+$/) }),
    ...(expiresAt === undefined ? {} : { expiresAt: readTime(expiresAt) }),
  };
}

function readTime(value: unknown): string {
  const text = readField('expiresAt', value, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/);
  if (!Number.isNaN(Date.parse(text))) return text;
  throw badSecret('expiresAt is no time');
}

function readField(name: string, value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string') throw badSecret(`${name} is ${value === undefined ? 'missing' : 'no text'}`);
  if (value.length > longestField) throw badSecret(`${name} has ${value.length} characters, expected at most ${longestField}`);
  if (!pattern.test(value)) throw badSecret(value === '' ? `${name} is empty` : `${name} holds a character that cannot stand there`);
  return value;
}

function badSecret(what: string): ConfigError {
  return badValue(`Cannot use the secret of a target: ${what}`, 'Make it anew: kcapture target add URL');
}
