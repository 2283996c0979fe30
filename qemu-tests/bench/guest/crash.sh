#!/bin/sh
# The kernel that will crash, on a large guest with a warm workload (busybox ash, in the initramfs, in place of the harness's own crash.sh):
# fills memory with gigabytes of every class of page, arms the capture kernel, crashes.
# shellcheck source=/dev/null
. /common.sh
attach_ports armed || exit 1

mount_disks() {
	mount -t squashfs -o ro "$(disk executable)" /exe &&
		mount -t ext4 -o ro "$(disk boot)" /boot &&
		mount -t ext4 "$(disk dump)" /disk &&
		mount -t tmpfs -o nr_inodes=2000000 tmpfs /mnt &&
		cp /exe/kcapture /mnt/program
}

# Files read back clean (no buffers), files just written (with buffers), block device pages, tmpfs: some 1.6 GiB.
fill_page_cache() {
	mkdir -p /disk/cache
	for copy in 1 2 3 4 5 6 7; do
		cat /mnt/program >/disk/cache/clean-$copy || return 1
	done
	sync
	echo 3 >/proc/sys/vm/drop_caches
	cat /disk/cache/clean-* >/dev/null &&
		cat /mnt/program >/disk/cache/written-1 &&
		cat /mnt/program >/disk/cache/written-2 &&
		cat /mnt/program >/disk/cache/written-3 &&
		cat /mnt/program >/disk/cache/written-4 &&
		cat /mnt/program >/mnt/tmpfs-file-1 &&
		cat /mnt/program >/mnt/tmpfs-file-2 &&
		dd if="$(disk boot)" of=/dev/null bs=1M 2>/dev/null
}

reserve_hugepages() {
	echo 100 >/proc/sys/vm/nr_hugepages
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge 80 ]
}

start_processes() {
	started=0
	while [ "$started" -lt 250 ]; do
		sleep 1000000 &
		started=$((started + 1))
	done
}

# Both halves run at once, so that their pages lie among each other, and stay until the crash.
start_workload() {
	for part in files buffers; do
		BUN_BE_BUN=1 /exe/kcapture run /workload.ts $part >/run/workload-$part.log 2>&1 &
		echo $! >/run/workload-$part.pid
	done
	for part in files buffers; do
		while [ ! -e /run/workload-$part.ready ]; do
			if ! kill -0 "$(cat /run/workload-$part.pid)" 2>/dev/null; then
				cat /run/workload-$part.log
				return 1
			fi
			usleep 500000
		done
		cat /run/workload-$part.log
	done
	sync
	cat /proc/meminfo
}

load_capture_kernel() {
	kexec -s -p /boot/vmlinuz --initrd=/boot/initrd \
		--command-line="console=ttyS0 root=kcapture nr_cpus=1 reset_devices irqpoll panic=-1 kcapture.role=capture" &&
		[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ]
}

step disks mount_disks
step page-cache fill_page_cache
step hugepages reserve_hugepages
step processes start_processes
step workload start_workload
step arm load_capture_kernel
report kernel "$(uname -r)"
verdict 0
report crash "$(uptime_seconds)"
sync
echo c >/proc/sysrq-trigger
