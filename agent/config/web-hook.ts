/** The address of a web hook. It may be a secret, so no message quotes it. */
import { badValue } from './config-error.ts';

/** @throws ConfigError `config/value` */
export function checkWebHook(value: string): string {
  const url = URL.canParse(value) && !/\s/.test(value) ? new URL(value) : undefined;
  if (url === undefined)
    throw badValue('Cannot use this address of a web hook: expected https://HOST/PATH', 'Check for blanks and for the part before "://"');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw badValue('Cannot use this web hook: expected an address that begins with https:// or http://');
  return value;
}
