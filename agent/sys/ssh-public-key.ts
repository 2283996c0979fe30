/** The public half of a private key for ssh, of whatever kind and format. ssh2 is loaded when one is asked for. */
import type { ParsedKey } from 'ssh2';

/** `ssh-ed25519 AAAA…`; `undefined` for a text that is no private key, or one with a passphrase. */
export async function publicKeyOf(privateKey: string): Promise<string | undefined> {
  const { utils } = (await import('ssh2')).default;
  const parsed: ParsedKey | readonly ParsedKey[] | Error = utils.parseKey(privateKey);
  if (parsed instanceof Error) return undefined;
  const key = Array.isArray(parsed) ? (parsed[0] as ParsedKey | undefined) : (parsed as ParsedKey);
  return key?.isPrivateKey() ? `${key.type} ${key.getPublicSSH().toString('base64')}` : undefined;
}
