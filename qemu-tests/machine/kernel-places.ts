/**
 * Where in physical memory the healthy kernel keeps what a capture depends on, so that a test can spoil it.
 *
 * @source Linux, Documentation/admin-guide/kdump/vmcoreinfo.rst; kernel/ksysfs.c, vmcoreinfo_show(); fs/proc/kcore.c (its notes hold VMCOREINFO)
 */

export type KernelPlace = 'mem_section' | 'vmcoreinfo';

/** Shell that reports the places to the host. */
export const reportPlaces = `report place.vmcoreinfo "$(cat /sys/kernel/vmcoreinfo)"
for key in 'SYMBOL(mem_section)' 'NUMBER(phys_base)'; do
  value=$(head -c 65536 /proc/kcore | tr -c '[:print:]' '\\n' | grep -a -F -m 1 "$key=") && report "place.$key" "\${value#*=}" || return 1
done`;

/** Start of the kernel's text and data as it is linked, x86_64. */
const linkedAt = 0xffffffff80000000n;

/** @returns physical address and size. @throws Error when the guest has not reported it. */
export function placeOf(place: KernelPlace, report: ReadonlyMap<string, string>): { readonly address: number; readonly sizeBytes: number } {
  const value = (key: string) => {
    const text = report.get(`place.${key}`);
    if (text === undefined) throw new Error(`Cannot tell where ${place} lies: the guest did not report ${key}`);
    return text;
  };
  if (place === 'vmcoreinfo') {
    const [address, size] = value('vmcoreinfo')
      .split(' ')
      .map((word) => Number.parseInt(word, 16));
    return { address, sizeBytes: size };
  }
  const virtual = BigInt(`0x${value('SYMBOL(mem_section)')}`);
  return { address: Number(virtual - linkedAt + BigInt(value('NUMBER(phys_base)'))), sizeBytes: 8 };
}
