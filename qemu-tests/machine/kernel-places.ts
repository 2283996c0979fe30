/**
 * Where in physical memory the healthy kernel keeps what a capture depends on, so that a test can spoil it.
 *
 * @source Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst; kernel/ksysfs.c, vmcoreinfo_show(); fs/proc/kcore.c (its notes hold VMCOREINFO, its
 *   program headers tell where memory is mapped); ELF-64 Object File Format, figure 6
 */

/** `mem_section`: the table of memory sections, through which each `struct page` is found. */
export type KernelPlace = 'mem_section' | 'vmcoreinfo';

/** Shell that reports the places to the host. Program headers go over as words of 64 bits, one header a group. */
export const reportPlaces = `report place.vmcoreinfo "$(cat /sys/kernel/vmcoreinfo)"
key='SYMBOL(mem_section)'
value=$(head -c 65536 /proc/kcore | tr -c '[:print:]' '\\n' | grep -a -F -m 1 "$key=") && report place.mem_section "\${value#*=}" || return 1
report place.headers "$(od -An -v -tx8 -w56 -j64 -N3584 /proc/kcore | tr '\\n' ';')"`;

const loadType = 1n;
const pageBytes = 4096;
const unknownAddress = 0xffffffffffffffffn;

/** @returns physical address and size. @throws Error when the guest has not reported it. */
export function placeOf(place: KernelPlace, report: ReadonlyMap<string, string>): { readonly address: number; readonly sizeBytes: number } {
  const value = (key: string) => {
    const text = report.get(`place.${key}`);
    if (text === undefined) throw new Error(`Cannot tell where ${place} lies: the guest did not report ${key}`);
    return text;
  };
  if (place === 'mem_section') return { address: physicalAddress(BigInt(`0x${value(place)}`), value('headers')), sizeBytes: pageBytes };
  const [address, sizeBytes] = value(place)
    .split(' ')
    .map((word) => Number.parseInt(word, 16));
  return { address, sizeBytes };
}

function physicalAddress(virtual: bigint, headers: string): number {
  for (const header of headers.split(';')) {
    const words = header
      .trim()
      .split(/\s+/)
      .map((word) => BigInt(`0x${word || '0'}`));
    const [kind, , start, physical, , size] = words;
    if (words.length !== 7 || (kind & 0xffffffffn) !== loadType || physical === unknownAddress) continue;
    if (virtual >= start && virtual < start + size) return Number(physical + virtual - start);
  }
  throw new Error(`Cannot tell where 0x${virtual.toString(16)} lies: no program header of /proc/kcore holds it`);
}
