/** Requests to one server, with what proves who we are and who it is. */
import type { HttpPlace } from '../../config/remote-place.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { HttpAnswer, HttpRequest } from '../../sys/network-interface.ts';
import { findAddresses } from '../find-addresses.ts';
import { type RemoteContext, RemoteError } from '../remote-store.ts';
import { remoteErrorFrom, retrying } from '../retry.ts';
import { isSuccess, statusError } from './http-status.ts';

export type HttpAsk = {
  readonly method: 'PUT' | 'DELETE' | 'HEAD' | 'MKCOL' | 'MOVE' | 'PROPFIND';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: HttpRequest['body'];
  readonly signal?: AbortSignal;
  readonly mostAnswerBytes?: number;
};

export class HttpLink {
  readonly context: RemoteContext;
  readonly place: HttpPlace;
  readonly #headers: Readonly<Record<string, string>>;
  #addresses: readonly string[] | undefined;

  /** @throws RemoteError `remote/unsupported`, `remote/auth`: what proves who we are cannot be used. */
  constructor(context: RemoteContext) {
    const { place } = context;
    const where = formatRemoteUrl(place);
    if (place.kind !== 'http') throw new RemoteError('remote/unsupported', `Cannot open ${where} by HTTP`, { where });
    this.context = context;
    this.place = place;
    this.#headers = headersFor(context, where);
  }

  /** Of something in the place's folder. @param names each a part of the path. */
  url(...names: readonly string[]): string {
    const base = this.place.path === '/' ? '' : this.place.path;
    const path = [base, ...names.map((name) => encodeURIComponent(name))].join('/');
    return formatRemoteUrl({ ...this.place, path: path === '' ? '/' : path });
  }

  /** Once, whatever the status. @throws RemoteError of the connection. */
  async once(ask: HttpAsk): Promise<HttpAnswer> {
    const { network, limits, credentials, onProgress } = this.context;
    const { connectMs, stallMs } = limits;
    try {
      this.#addresses ??= await findAddresses(this.context, this.place.host);
      const answer = await network.http({
        ...ask,
        headers: { ...this.#headers, ...ask.headers },
        addresses: this.#addresses,
        tls: { authority: credentials.authority, certificate: credentials.clientCertificate, key: credentials.clientKey },
        connectMs,
        stallMs,
        onSent: onProgress,
      });
      onProgress();
      return answer;
    } catch (cause) {
      // The server may come back somewhere else.
      this.#addresses = undefined;
      throw remoteErrorFrom(cause, ask.url);
    }
  }

  /**
   * Again and again within the limits. @param what as it follows "Cannot". @param also statuses that are no failure beside those of success.
   * @throws RemoteError
   */
  async ask(what: string, ask: HttpAsk, also: readonly number[] = []): Promise<HttpAnswer> {
    return await retrying(this.context, what, async (signal) => {
      const answer = await this.once({ ...ask, signal });
      if (!isSuccess(answer) && !also.includes(answer.status)) throw statusError(answer, what, ask.url);
      return answer;
    });
  }
}

function headersFor({ credentials: { secret } }: RemoteContext, where: string): Record<string, string> {
  if (secret === undefined) return {};
  if (secret.kind === 'basic' && !secret.user.includes(':')) {
    const words = Buffer.from(`${secret.user}:${secret.password}`, 'utf8').toString('base64');
    return { authorization: `Basic ${words}` };
  }
  // What may stand in a header; the rest is never shown.
  if (secret.kind === 'bearer' && /^[\x21-\x7e]+$/.test(secret.token)) return { authorization: `Bearer ${secret.token}` };
  throw new RemoteError('remote/auth', `Cannot log in at ${where}: its secret is none for HTTP, expected user and password or a token`, {
    where,
    hint: `Give it again: kcapture target add ${where}`,
  });
}
