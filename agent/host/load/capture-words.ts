/**
 * Which words the capture kernel's command line loses and gains, and why: one reason a line.
 *
 * Patterns are names; `name=value` means that value only; a `*` at the end means every name that begins so.
 *
 * @source Documentation/admin-guide/kernel-parameters.txt; Documentation/admin-guide/kdump/kdump.rst; what kdump-utils, kdump (SUSE) and kdump-tools
 *   remove and add
 */

export type RemovedWords = { readonly patterns: readonly string[]; readonly reason: string };

export const removedWords: readonly RemovedWords[] = [
  { patterns: ['crashkernel'], reason: 'nothing is reserved inside the reservation' },
  {
    patterns: [
      ...[
        'root',
        'rootfstype',
        'rootflags',
        'rootdelay',
        'rootwait',
        'resume',
        'resume_offset',
        'netroot',
        'nfsroot',
        'fcoe',
        'zfs',
        'ostree',
      ],
      ...['rd.lvm.*', 'rd.luks.*', 'luks.*', 'rd.dm.*', 'rd.md.*', 'rd.zfs*', 'cryptdevice', 'cryptkey', 'cryptopts'],
      ...[
        'rd.iscsi.initiator',
        'iscsi_initiator',
        'systemd.mount_extra',
        'systemd.verity*',
        'roothash',
        'usrhash',
        'mount.usr',
        'mount.usrfstype',
      ],
    ],
    reason: 'the image must not wait for the normal root',
  },
  { patterns: ['init', 'rdinit', 'initrd', 'BOOT_IMAGE'], reason: 'belongs to the normal start' },
  {
    patterns: [
      'systemd.unit',
      'rd.systemd.unit',
      'single',
      'emergency',
      'rescue',
      'S',
      '1',
      '2',
      '3',
      '4',
      '5',
      'rd.break',
      'break',
      'ignition.firstboot',
    ],
    reason: 'the image has one job and no other run level',
  },
  {
    patterns: ['panic_on_warn', 'panic_on_taint', 'softlockup_panic', 'hung_task_panic', 'unknown_nmi_panic'],
    reason: 'a mere warning must not end the capture',
  },
  { patterns: ['sysctl.*'], reason: 'switches of the normal system, such as panic_on_warn or reserved memory' },
  {
    patterns: [
      'hugepages',
      'hugepagesz',
      'default_hugepagesz',
      'hugetlb_free_vmemmap',
      'log_buf_len',
      'cma_pernuma',
      'mem',
      'movablecore',
      'kernelcore',
    ],
    reason: 'memory sized for the whole machine',
  },
  { patterns: ['swiotlb'], reason: 'memory sized for the whole machine' },
  {
    patterns: ['slub_debug', 'slab_debug', 'page_owner', 'page_poison', 'debug_pagealloc', 'kmemleak', 'init_on_alloc', 'init_on_free'],
    reason: 'costs memory or time',
  },
  {
    patterns: ['isolcpus', 'nohz_full', 'rcu_nocbs', 'irqaffinity', 'maxcpus', 'possible_cpus'],
    reason: 'speaks of CPUs that are not started',
  },
  { patterns: ['quiet', 'splash', 'rhgb', 'plymouth.*'], reason: 'messages are wanted on the console' },
  { patterns: ['nomodule'], reason: 'the drivers of the target are modules' },
  { patterns: ['notsc'], reason: 'clocks of a short-lived kernel need no such care' },
];

export type AddedWord = {
  readonly word: string;
  readonly reason: string;
  /** Machine names as in `uname -m`; `undefined`: all. */
  readonly machines?: readonly string[];
};

/** Without it or a `root=` the kernel unpacks the image into a tmpfs that may use half the memory. @source init/do_mounts.c, init_rootfs() */
export const ramfsWord = 'rootfstype=ramfs';

export const addedWords: readonly AddedWord[] = [
  { word: 'reset_devices', reason: 'drivers reset hardware the crashed kernel left running' },
  { word: 'nr_cpus=1', reason: 'no memory for CPUs that are not started' },
  { word: 'irqpoll', reason: 'survives interrupts that nobody handles' },
  { word: 'panic=10', reason: 'the capture kernel reboots if it panics itself' },
  { word: ramfsWord, reason: 'unpacks the image without the limit of half the memory' },
  { word: 'cgroup_disable=memory', reason: 'saves memory' },
  { word: 'transparent_hugepage=never', reason: 'saves memory' },
  { word: 'hugetlb_cma=0', reason: 'saves memory' },
  { word: 'cma=0', reason: 'saves memory' },
  { word: 'kfence.sample_interval=0', reason: 'saves memory' },
  { word: 'novmcoredd', reason: 'saves memory: no dumps of devices' },
  { word: 'udev.children-max=2', reason: 'saves memory while devices are probed' },
  { word: 'rd.systemd.gpt_auto=no', reason: 'no search for partitions of the normal system' },
  { word: 'numa=off', reason: 'saves memory', machines: ['x86_64'] },
  { word: 'nokaslr', reason: 'the kernel stays where it was put in the small region', machines: ['x86_64'] },
  { word: 'mce=off', reason: 'a machine check left over from the crash must not end the capture', machines: ['x86_64'] },
  { word: 'hest_disable', reason: 'firmware errors left over from the crash must not end the capture', machines: ['x86_64'] },
  { word: 'acpi_no_memhotplug', reason: 'does not add the memory of the whole machine', machines: ['x86_64'] },
  { word: 'pcie_ports=compat', reason: 'hot plug and error services of PCIe stay quiet', machines: ['x86_64'] },
  { word: 'swiotlb=noforce', reason: 'saves memory', machines: ['aarch64'] },
];
