/**
 * A server on this host that takes dumps from guests, as a guest sees it: what to configure, how to set it up, where the dumps arrive.
 */
import type { ServerProcess } from '../../agent/testing/servers/server-process.ts';

/** The host's loopback, under the name that `network_up` gives it in a guest. */
export const hostName = 'host';

export type Receiver = {
  /** A line of `kcapture.conf`. */
  readonly target: string;
  /** For the guest: path → text. */
  readonly files: Readonly<Record<string, string>>;
  /** Command in the guest that makes the server known there; empty when none is needed. */
  readonly add: string;
  /** The captures as a folder of this host, one folder each. */
  readonly captures: () => string;
  /** Below it the server keeps whatever it has received, half-sent files too. */
  readonly root: string;
  /** Half-sent files and parts that lie on the server, wherever it keeps them. */
  readonly leftOvers: () => readonly string[];
  /** Texts that only the machine and the server may know. */
  readonly secrets: readonly string[];
  readonly server: ServerProcess;
};
