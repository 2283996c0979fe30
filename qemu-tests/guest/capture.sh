#!/bin/sh
# The capture kernel (busybox ash, in the initramfs): mounts what the scenario needs, then runs the scenario's own steps.
# shellcheck source=/dev/null
. /common.sh
attach_ports captured || exit 1
report capture-up "$(uptime_seconds)"

# Without reading ahead, as hooks/capture.sh does it.
mount_executable() {
	mount -t squashfs -o ro,loop /executable.squashfs /exe &&
		echo 0 >/sys/block/loop0/queue/read_ahead_kb
}

mount_dump_disk() {
	mount -t ext4 "$(disk dump)" /disk
}

# copy_raw: all of /proc/vmcore onto the raw disk; the host cuts the file to the size reported.
copy_raw() {
	target=$(disk raw) || return 1
	report vmcore-bytes "$(stat -c %s /proc/vmcore)"
	dd if=/proc/vmcore of="$target" bs=4M && sync
}

unmount_dump_disk() {
	umount /disk
}

[ -e /proc/vmcore ] || echo "kcapture guest: no /proc/vmcore"
step executable mount_executable
step dump-disk mount_dump_disk
# shellcheck source=/dev/null
. /scenario.sh
step unmount unmount_dump_disk
report memory-available-kb "$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)"
verdict 0
