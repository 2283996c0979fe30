/** The lists depmod writes, for a small kernel whose modules are a virtio disk, a SATA disk, file systems, device-mapper, RAID and network cards. */
export const builtRelease = '6.1.0-test';

const dependencies: Readonly<Record<string, readonly string[]>> = {
  'kernel/drivers/virtio/virtio.ko': [],
  'kernel/drivers/virtio/virtio_ring.ko': ['kernel/drivers/virtio/virtio.ko'],
  'kernel/drivers/virtio/virtio_pci.ko.xz': ['kernel/drivers/virtio/virtio_ring.ko', 'kernel/drivers/virtio/virtio.ko'],
  'kernel/drivers/block/virtio_blk.ko': ['kernel/drivers/virtio/virtio_ring.ko', 'kernel/drivers/virtio/virtio.ko'],
  'kernel/drivers/ata/libata.ko': ['kernel/drivers/scsi/scsi_mod.ko'],
  'kernel/drivers/ata/libahci.ko': ['kernel/drivers/ata/libata.ko', 'kernel/drivers/scsi/scsi_mod.ko'],
  'kernel/drivers/ata/ahci.ko': ['kernel/drivers/ata/libahci.ko', 'kernel/drivers/ata/libata.ko', 'kernel/drivers/scsi/scsi_mod.ko'],
  'kernel/drivers/scsi/scsi_mod.ko': [],
  'kernel/drivers/scsi/sd_mod.ko': ['kernel/drivers/scsi/scsi_mod.ko'],
  'kernel/drivers/nvme/host/nvme.ko': ['kernel/drivers/nvme/host/nvme-core.ko'],
  'kernel/drivers/nvme/host/nvme-core.ko': [],
  'kernel/drivers/block/loop.ko': [],
  'kernel/fs/squashfs/squashfs.ko': [],
  'kernel/fs/xfs/xfs.ko': ['kernel/lib/libcrc32c.ko'],
  'kernel/fs/btrfs/btrfs.ko': ['kernel/lib/libcrc32c.ko'],
  'kernel/lib/libcrc32c.ko': [],
  'kernel/crypto/crc32c_generic.ko': [],
  'kernel/arch/x86/crypto/crc32c-intel.ko': [],
  'kernel/crypto/xts.ko': [],
  'kernel/crypto/ecb.ko': [],
  'kernel/arch/x86/crypto/aesni-intel.ko': [],
  'kernel/drivers/crypto/padlock-aes.ko': [],
  'kernel/drivers/md/dm-mod.ko': [],
  'kernel/drivers/md/dm-crypt.ko': ['kernel/drivers/md/dm-mod.ko'],
  'kernel/drivers/md/md-mod.ko': [],
  'kernel/drivers/md/raid1.ko': ['kernel/drivers/md/md-mod.ko'],
  'kernel/net/core/failover.ko': [],
  'kernel/drivers/net/net_failover.ko': ['kernel/net/core/failover.ko'],
  'kernel/drivers/net/virtio_net.ko.xz': [
    'kernel/drivers/net/net_failover.ko',
    'kernel/net/core/failover.ko',
    'kernel/drivers/virtio/virtio_ring.ko',
    'kernel/drivers/virtio/virtio.ko',
  ],
  'kernel/drivers/net/ixgbe.ko': [],
  'kernel/drivers/net/ixgbevf.ko': [],
  'kernel/drivers/net/phy/marvell.ko': [],
  'kernel/drivers/net/bonding/bonding.ko': [],
  'kernel/net/802/stp.ko': ['kernel/net/llc/llc.ko'],
  'kernel/net/llc/llc.ko': [],
  'kernel/net/8021q/8021q.ko': ['kernel/net/802/stp.ko', 'kernel/net/llc/llc.ko'],
  'kernel/net/packet/af_packet.ko': [],
};

const aliases = [
  'alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci',
  'alias virtio:d00000002v* virtio_blk',
  'alias pci:v*d*sv*sd*bc01sc06i01* ahci',
  'alias scsi:t-0x00* sd_mod',
  'alias pci:v*d*sv*sd*bc01sc08i02* nvme',
  'alias fs-xfs xfs',
  'alias crc32c crc32c_generic',
  'alias crypto-crc32c crc32c_generic',
  'alias crypto-crc32c crc32c_intel',
  'alias crypto-xts xts',
  'alias crypto-ecb ecb',
  'alias crypto-aes aesni_intel',
  'alias crypto-aes padlock_aes',
];

/** Path → content, below the root of a machine. */
export function buildModuleLists(): Record<string, string> {
  const folder = `/lib/modules/${builtRelease}`;
  return {
    [`${folder}/modules.dep`]: Object.entries(dependencies)
      .map(([path, needs]) => `${path}:${needs.map((need) => ` ${need}`).join('')}\n`)
      .join(''),
    [`${folder}/modules.builtin`]: 'kernel/fs/ext4/ext4.ko\nkernel/fs/jbd2/jbd2.ko\n',
    [`${folder}/modules.builtin.modinfo`]: 'ext4.license=GPL\0ext4.alias=fs-ext3\0ext4.alias=fs-ext2\0jbd2.license=GPL\0',
    [`${folder}/modules.alias`]: `# Aliases extracted from modules themselves.\n${aliases.join('\n')}\n`,
    [`${folder}/modules.softdep`]: 'softdep libcrc32c pre: crc32c\n',
  };
}
