/**
 * Which key file opens an encrypted device with nobody there.
 *
 * @source crypttab(5)
 */
import type { System } from '../../sys/system.ts';

export type KeyFile = { readonly path: string } | { readonly path: undefined; readonly why: string };

type Row = { readonly name: string; readonly device: string; readonly key: string };

/**
 * @param name of the mapping, e.g. `cryptroot`.
 * @param uuid of the LUKS header.
 */
export function findKeyFile({ files }: Pick<System, 'files'>, name: string, uuid: string): KeyFile {
  const rows = parseCrypttab(files.readTextIfThere('/etc/crypttab') ?? '');
  const row = rows.find((one) => one.name === name) ?? rows.find(({ device }) => device.toLowerCase() === `uuid=${uuid.toLowerCase()}`);
  const named = row?.key ?? 'none';
  const isNone = named === 'none' || named === '-' || named === '';
  if (!isNone && !named.startsWith('/')) return { path: undefined, why: `its key "${named}" in /etc/crypttab is not a file` };
  const candidates = isNone ? ['/etc', '/run'].map((folder) => `${folder}/cryptsetup-keys.d/${row?.name ?? name}.key`) : [named];
  const path = candidates.find((candidate) => files.status(candidate)?.kind === 'file');
  if (path !== undefined) return { path };
  return { path: undefined, why: isNone ? 'it has no key file, only a passphrase, token or chip' : `its key file "${named}" is not there` };
}

export function parseCrypttab(text: string): readonly Row[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/))
    .map(([name, device = '', key = 'none']) => ({ name, device: device.replace(/^(UUID=)"?([^"]*)"?$/i, '$1$2'), key }));
}
