/**
 * Credentials that a cloud lends to the machine it runs on: asked for when the machine is armed, valid for some hours.
 *
 * Comes in: the network. Goes out: a secret with the time of its end.
 *
 * @source Amazon EC2 User Guide, "Use the Instance Metadata Service" (IMDSv2), "Retrieve security credentials from instance metadata"
 */
import { parseJsonObject } from '../../binary/json-object.ts';
import type { Secret } from '../../config/credentials.ts';
import type { HttpRequest, Network } from '../../sys/network-interface.ts';
import { RemoteError } from '../remote-store.ts';
import { remoteErrorFrom } from '../retry.ts';

/** The same in every instance. */
const usualBase = 'http://169.254.169.254';
const tokenSeconds = 300;
const mostAnswerBytes = 65_536;
const rolesPath = '/latest/meta-data/iam/security-credentials/';

export type InstanceOptions = {
  /** `http://ADDRESS[:PORT]`, numeric. Default: the address of every cloud's instances. */
  readonly base?: string;
  /** Default: 2 s; a machine that is no instance has nobody at that address. */
  readonly connectMs?: number;
  /** Default: 5 s. */
  readonly stallMs?: number;
};

export type InstanceSecret = Extract<Secret, { kind: 's3' }> & { readonly sessionToken: string; readonly expiresAt: string };

/** @throws RemoteError `remote/unreachable`: no instance; `remote/missing`: it has no role; `remote/auth`: what it says are no credentials. */
export async function readInstanceCredentials(network: Network, options: InstanceOptions = {}): Promise<InstanceSecret> {
  const service = new MetadataService(network, options);
  const token = await service.ask('PUT', '/latest/api/token', { 'x-aws-ec2-metadata-token-ttl-seconds': `${tokenSeconds}` });
  if (!/^[\x21-\x7e]{1,1024}$/.test(token)) throw service.nonsense('the token');
  const headers = { 'x-aws-ec2-metadata-token': token };
  const [role] = (await service.ask('GET', rolesPath, headers)).split('\n');
  if (!/^[A-Za-z0-9+=,.@_-]{1,128}$/.test(role)) throw service.nonsense('the name of its role');
  return readFields(await service.ask('GET', rolesPath + encodeURIComponent(role), headers), service);
}

class MetadataService {
  readonly #network: Network;
  readonly #base: string;
  readonly #limits: Pick<HttpRequest, 'connectMs' | 'stallMs'>;

  constructor(network: Network, { base = usualBase, connectMs = 2000, stallMs = 5000 }: InstanceOptions) {
    this.#network = network;
    this.#base = base;
    this.#limits = { connectMs, stallMs };
  }

  async ask(method: 'GET' | 'PUT', path: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const url = this.#base + path;
    const request = { method, url, headers, ...(method === 'PUT' ? { body: new Uint8Array(0) } : {}), ...this.#limits, mostAnswerBytes };
    const answer = await this.#network.http(request).catch((failure) => {
      throw remoteErrorFrom(failure, this.#base);
    });
    if (answer.status === 200) return new TextDecoder().decode(answer.body).trim();
    throw new RemoteError(
      answer.status === 404 ? 'remote/missing' : 'remote/auth',
      `Cannot get credentials from the instance at ${url}: it answered ${answer.status}`,
      { where: this.#base, hint: 'Give the instance a role that may write to the bucket, or give an access key' },
    );
  }

  nonsense(what: string): RemoteError {
    return new RemoteError('remote/auth', `Cannot get credentials from the instance at ${this.#base}: ${what} makes no sense`, {
      where: this.#base,
      hint: 'Give the instance a role that may write to the bucket, or give an access key',
    });
  }
}

/** What the parser of JSON says of a mistake repeats the text: it goes nowhere. */
function readFields(text: string, service: MetadataService): InstanceSecret {
  const fields = parseJsonObject(text);
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = fields ?? {};
  if (!isWord(AccessKeyId) || !isWord(SecretAccessKey) || !isWord(Token)) throw service.nonsense('what it says of them');
  const expiresAtMs = typeof Expiration === 'string' && Expiration.length < 100 ? Date.parse(Expiration) : Number.NaN;
  if (Number.isNaN(expiresAtMs)) throw service.nonsense('the time of their end');
  const expiresAt = new Date(expiresAtMs).toISOString();
  return { kind: 's3', accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token, expiresAt };
}

/** Goes into headers. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,8192}$/.test(value);
}
