/**
 * Numeric addresses of a server, as this machine would reach it now: by its own `hosts` file, its name service and its order of preference.
 *
 * The C library's `getent` asks, because only it heeds nsswitch.conf. In the capture kernel there may be no name service.
 *
 * @source getent(1), nsswitch.conf(5)
 */
import { isIP } from 'node:net';
import type { System } from '../../sys/system.ts';

export type FoundAddresses = { readonly addresses: readonly string[] /** Why there is none. */; readonly problem: string | undefined };

const lookupMs = 10_000;
const mostAddresses = 8;
const notFound = 2;

/** @param host a name, or an address without brackets, which is its own. */
export function findAddresses({ programs }: Pick<System, 'programs'>, host: string): FoundAddresses {
  if (isIP(host) !== 0) return { addresses: [host], problem: undefined };
  if (!/^[A-Za-z0-9_]/.test(host)) return { addresses: [], problem: 'it is no name of a server' };
  const { status, stdout } = programs.run(['getent', 'ahosts', host], { timeoutMs: lookupMs });
  const words = stdout.split('\n').map((line) => line.split(/\s/, 1)[0]);
  const addresses = [...new Set(words.filter((word) => isIP(word) !== 0))].slice(0, mostAddresses);
  if (status === 0 && addresses.length > 0) return { addresses, problem: undefined };
  const problems: Readonly<Record<number, string>> = {
    [notFound]: 'the name is not known',
    124: `the name service did not answer within ${lookupMs / 1000} s`,
    127: 'the program getent is missing',
  };
  return { addresses: [], problem: problems[status] ?? `getent ended with status ${status}` };
}
