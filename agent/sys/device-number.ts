/** Device numbers as `/sys/dev` names them. */

/**
 * `major:minor` of a `dev_t`.
 *
 * @source glibc sys/sysmacros.h: major is bits 8–19 and 44–63 of dev_t, minor bits 0–7 and 20–43
 */
export function formatDevice(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
