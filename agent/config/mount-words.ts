/** `rw,subvol=/@crash`: what mount takes behind `-o`. */
import { badValue } from './config-error.ts';
import { quote } from './problem.ts';

/** @throws ConfigError `config/value` */
export function checkMountOptions(options: string): string {
  if (/^[^\s,-][^\s]*$/.test(options) && !options.includes(',,')) return options;
  throw badValue(
    `Cannot use ${quote(options)} as mount options: expected words parted by commas`,
    'Write for instance noatime,subvol=/@crash',
  );
}
