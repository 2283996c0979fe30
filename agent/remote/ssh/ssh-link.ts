/**
 * The connection to an ssh server, renewed when it breaks: what is asked for is asked again on the next one, within the time that is given for trying.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SshPlace } from '../../config/remote-place.ts';
import { formatRemoteUrl } from '../../config/remote-url.ts';
import type { SshSession } from '../../sys/network-interface.ts';
import { findAddresses } from '../find-addresses.ts';
import { remoteErrorFrom } from '../retry.ts';
import { type RemoteContext, RemoteError } from '../remote-store.ts';
import { type HostTrust, requireTrust } from './host-trust.ts';
import { isRefusal, mayPass } from './ssh-failure.ts';

/** Between attempts. */
const [firstPauseMs, longestPauseMs] = [250, 5000];

/** @param attempt 1, 2, … of the same request: the last may have been carried out, though nobody heard of it. */
type Action<T> = (session: SshSession, attempt: number) => Promise<T>;

export class SshLink {
  /** The place, as a URL. */
  readonly where: string;
  readonly #context: RemoteContext;
  readonly #place: SshPlace;
  readonly #privateKey: string;
  readonly #trust: HostTrust;
  #session: SshSession | undefined;
  #connecting: Promise<SshSession> | undefined;
  #addresses: readonly string[] | undefined;
  /** `undefined`: what was asked for last was answered. */
  #brokenAtMs: number | undefined;
  #hasBeenOpen = false;
  #isClosed = false;

  /** @throws RemoteError `remote/auth`, `remote/untrusted`: there is nothing that proves who we are, or who the server is. */
  constructor(context: RemoteContext, place: SshPlace) {
    this.where = formatRemoteUrl(place);
    this.#context = context;
    this.#place = place;
    this.#trust = requireTrust(context.credentials.knownHosts, place, this.where);
    this.#privateKey = requireKey(context.credentials.privateKey, this.where);
  }

  /** @throws RemoteError when it failed, or when no connection that holds came about within `limits.retryMs`. */
  async use<T>(action: Action<T>): Promise<T> {
    let failedAtMs: number | undefined;
    for (let attempt = 1; ; attempt++) {
      const session = await this.#connected();
      try {
        const result = await action(session, attempt);
        this.#brokenAtMs = undefined;
        return result;
      } catch (error) {
        failedAtMs ??= performance.now();
        const isLate = performance.now() - failedAtMs > this.#context.limits.retryMs;
        if (!mayPass(error) || isLate || this.#isClosed) throw remoteErrorFrom(error, this.where);
        this.#drop(session, error);
        await delay(firstPauseMs);
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#session?.end();
    this.#session = undefined;
  }

  /** Those who wait share one attempt. */
  async #connected(): Promise<SshSession> {
    if (this.#session !== undefined) return this.#session;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  #drop(session: SshSession, error: unknown): void {
    session.end();
    if (this.#session !== session) return;
    this.#session = undefined;
    this.#brokenAtMs ??= performance.now();
    this.#context.onNote(`${messageOf(error)}; connecting again`);
  }

  async #connect(): Promise<SshSession> {
    this.#brokenAtMs ??= performance.now();
    const endsAtMs = this.#brokenAtMs + this.#context.limits.retryMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      this.#requireOpen();
      try {
        return this.#keep(await this.#open());
      } catch (error) {
        // A server that has just started may refuse whom it lets in a minute later.
        const isPassing = mayPass(error) || (this.#hasBeenOpen && isRefusal(error));
        if (!isPassing || performance.now() + pauseMs > endsAtMs) throw this.#trust.explain(remoteErrorFrom(error, this.where));
        this.#context.onNote(`${messageOf(error)}; trying again in ${pauseMs / 1000} s`);
        await delay(pauseMs);
      }
    }
  }

  #keep(session: SshSession): SshSession {
    if (this.#isClosed) session.end();
    this.#requireOpen();
    this.#hasBeenOpen = true;
    this.#session = session;
    return session;
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new RemoteError('remote/broken', `Cannot use ${this.where}: it was closed`, { where: this.where });
  }

  async #open(): Promise<SshSession> {
    const { network, limits } = this.#context;
    const { host, port, user } = this.#place;
    const { hostKeyTypes, trust } = this.#trust;
    this.#addresses ??= await findAddresses(this.#context, host);
    const { connectMs, stallMs } = limits;
    return await network.ssh({
      host,
      port,
      user,
      addresses: this.#addresses,
      privateKey: this.#privateKey,
      trust,
      hostKeyTypes,
      connectMs,
      stallMs,
    });
  }
}

function requireKey(privateKey: string | undefined, where: string): string {
  if (privateKey !== undefined) return privateKey;
  throw new RemoteError('remote/auth', `Cannot log in at ${where}: there is no private key for it`, {
    where,
    hint: `Make one on the healthy machine: kcapture target add ${where}`,
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
