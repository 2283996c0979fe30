/** How a block device is named: by path or by what it carries. */
import { badValue } from './config-error.ts';
import { quote } from './problem.ts';

const tags = ['UUID', 'LABEL', 'PARTUUID', 'PARTLABEL'] as const;

/** `/dev/…`, `UUID=…`, `LABEL=…`, `PARTUUID=…` or `PARTLABEL=…`. @throws ConfigError */
export function checkDevice(word: string): string {
  const [, tag, value] = word.match(/^([A-Za-z]+)=(.*)$/s) ?? [];
  if (tag !== undefined) return checkTag(word, tag, value);
  if (/^\/dev\/[^/\s]\S*$/.test(word) && !word.split('/').includes('..')) return word;
  const hint = /^[\w-]+(\/[\w-]+)?$/.test(word)
    ? `Did you mean "/dev/${word}"?`
    : 'A UUID= (see blkid) stays the same when disks are renumbered';
  throw badValue(`Cannot use ${quote(word)} as a device: expected /dev/…, UUID=…, LABEL=…, PARTUUID=… or PARTLABEL=…`, hint);
}

function checkTag(word: string, tag: string, value: string): string {
  if (!tags.some((known) => known === tag)) {
    const meant = tags.find((known) => known === tag.toUpperCase());
    throw badValue(
      `Cannot use ${quote(word)} as a device: "${tag}=" names none`,
      meant ? `Did you mean "${meant}=${value}"?` : `Use ${tags.join('=, ')}=`,
    );
  }
  if (value === '') throw badValue(`Cannot use ${quote(word)} as a device: nothing follows "="`);
  if (tag.endsWith('UUID') && !/^[0-9A-Fa-f-]+$/.test(value)) {
    throw badValue(`Cannot use ${quote(word)} as a device: expected hexadecimal digits and "-" behind ${tag}=`);
  }
  return word;
}
