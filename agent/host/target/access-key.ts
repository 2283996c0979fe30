/**
 * Access keys for S3 as other programs keep them: JSON of `aws sts` and `mc`, the ini file of `aws`, `ID:SECRET`, or two lines.
 *
 * @source AWS CLI User Guide, "Configuration and credential file settings"; AWS STS API, Credentials
 */
import { parseJsonObject } from '../../binary/json-object.ts';
import type { Secret } from '../../config/credentials.ts';
import { TargetSetUpError } from './target-set-up-error.ts';

type S3Secret = Extract<Secret, { kind: 's3' }>;

/**
 * @param profile section of an ini file.
 * @throws TargetSetUpError `target-set-up/secret`, which repeats nothing of the text.
 */
export function readAccessKey(text: string, profile = 'default'): S3Secret {
  const found = text.trimStart().startsWith('{') ? fromJson(text) : /^\s*(\[|aws_)/m.test(text) ? fromIni(text, profile) : fromWords(text);
  if (found !== undefined && isPlain(found.accessKeyId) && isPlain(found.secretAccessKey)) return found;
  throw new TargetSetUpError('target-set-up/secret', 'Cannot use what was given as an access key: it has neither of the known forms', {
    hint: 'Give two lines, the id and the secret; or "ID:SECRET"; or the ini or JSON file of the aws program',
  });
}

function isPlain(text: string): boolean {
  return text.length >= 3 && text.length <= 256 && /^[!-~]+$/.test(text);
}

function fromJson(text: string): S3Secret | undefined {
  const value = parseJsonObject(text);
  const inner =
    typeof value?.Credentials === 'object' && value.Credentials !== null ? (value.Credentials as Record<string, unknown>) : value;
  const word = (...names: readonly string[]) =>
    names.map((name) => inner?.[name]).find((one) => typeof one === 'string' && one !== '') as string;
  return build({
    id: word('AccessKeyId', 'accessKeyId', 'accessKey'),
    secret: word('SecretAccessKey', 'secretAccessKey', 'secretKey'),
    token: word('SessionToken', 'sessionToken', 'Token'),
    endsAt: word('Expiration', 'expiresAt'),
  });
}

function fromIni(text: string, profile: string): S3Secret | undefined {
  let section = profile;
  const words = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (head !== undefined) section = head.replace(/^profile\s+/, '').trim();
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/.exec(line) ?? [];
    if (name !== undefined && section === profile) words.set(name, value);
  }
  return build({
    id: words.get('aws_access_key_id'),
    secret: words.get('aws_secret_access_key'),
    token: words.get('aws_session_token'),
    endsAt: words.get('x_security_token_expires') ?? words.get('expiration'),
  });
}

function fromWords(text: string): S3Secret | undefined {
  const lines = text.trim().split(/\s+/);
  const [id, secret, token, ...more] = lines.length === 1 ? lines[0].split(/:(.*)/s, 2) : lines;
  return more.length > 0 ? undefined : build({ id, secret, token, endsAt: undefined });
}

type Words = { readonly id?: string; readonly secret?: string; readonly token?: string; readonly endsAt?: string };

function build({ id, secret, token, endsAt }: Words): S3Secret | undefined {
  if (id === undefined || secret === undefined) return undefined;
  const endMs = Date.parse(endsAt ?? '');
  return {
    kind: 's3',
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === undefined ? {} : { sessionToken: token }),
    ...(Number.isNaN(endMs) ? {} : { expiresAt: new Date(endMs).toISOString() }),
  };
}
