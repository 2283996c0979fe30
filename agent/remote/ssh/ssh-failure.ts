/** What goes wrong with a connection or a file on an ssh server, in the words of a place for dumps. */
import { KcaptureError } from '../../errors.ts';
import { RemoteError } from '../remote-store.ts';

const codes: Readonly<Record<string, string>> = {
  'network/unreachable': 'remote/unreachable',
  'network/name': 'remote/unreachable',
  'network/host-key': 'remote/untrusted',
  'network/certificate': 'remote/untrusted',
  'network/auth': 'remote/auth',
  'network/stalled': 'remote/stalled',
  'network/broken': 'remote/broken',
  'network/protocol': 'remote/unsupported',
  'network/limit': 'remote/unsupported',
  'ssh/missing': 'remote/missing',
  'ssh/permission': 'remote/forbidden',
  'ssh/no-space': 'remote/no-space',
  'ssh/exists': 'remote/server',
  'ssh/failure': 'remote/server',
};

/** After these another connection may do better. */
const passing = new Set(['network/unreachable', 'network/name', 'network/stalled', 'network/broken']);

export function mayPass(error: unknown): boolean {
  return error instanceof KcaptureError && passing.has(error.code);
}

/** The server does not let us in. */
export function isRefusal(error: unknown): boolean {
  return error instanceof KcaptureError && error.code === 'network/auth';
}

/** @param where the place, as a URL. Errors of other kinds stay what they are. */
export function remoteErrorOf(error: unknown, where: string): unknown {
  if (!(error instanceof KcaptureError) || error instanceof RemoteError) return error;
  const code = codes[error.code];
  return code === undefined ? error : new RemoteError(code, error.message, { where, hint: error.hint, cause: error });
}
