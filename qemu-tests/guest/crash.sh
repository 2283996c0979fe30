#!/bin/sh
# The kernel that will crash (busybox ash, in the initramfs): fills memory with every class of page, arms the capture kernel, crashes.
# shellcheck source=/dev/null
. /common.sh
attach_ports armed || exit 1

mount_disks() {
	mount -t squashfs -o ro "$(disk executable)" /exe &&
		mount -t ext4 -o ro "$(disk boot)" /boot &&
		mount -t ext4 "$(disk dump)" /disk
}

# Pages of the page cache: ext4 files read back clean (no buffers), ext4 files just written (with buffers), block device pages, tmpfs.
fill_page_cache() {
	mount -t tmpfs tmpfs /mnt &&
		mkdir -p /disk/cache /mnt/dentries &&
		head -c 33554432 /exe/kcapture >/disk/cache/clean &&
		sync &&
		echo 3 >/proc/sys/vm/drop_caches &&
		cat /disk/cache/clean >/dev/null &&
		head -c 25165824 /exe/kcapture >/disk/cache/written &&
		head -c 16777216 /exe/kcapture >/mnt/tmpfs-file &&
		dd if="$(disk boot)" of=/dev/null bs=1M count=8 2>/dev/null
}

reserve_hugepages() {
	echo 12 >/proc/sys/vm/nr_hugepages
	[ "$(cat /proc/sys/vm/nr_hugepages)" -ge 8 ]
}

# The workload keeps its pages and sockets alive until the crash.
start_workload() {
	BUN_BE_BUN=1 /exe/kcapture run /workload.ts >/run/workload.log 2>&1 &
	waited=0
	while [ ! -e /run/workload.ready ]; do
		waited=$((waited + 1))
		if [ "$waited" -gt 900 ] || ! kill -0 $! 2>/dev/null; then
			cat /run/workload.log
			return 1
		fi
		usleep 100000
	done
	cat /run/workload.log
	sync
}

# The host takes memory out of the guest through the balloon: such pages are offline. It answers the line "balloon".
inflate_balloon() {
	before=$(awk '/^MemTotal/ {print $2}' /proc/meminfo)
	report balloon "$before"
	waited=0
	while [ "$waited" -lt 200 ]; do
		[ "$(awk '/^MemTotal/ {print $2}' /proc/meminfo)" -lt $((before - 24000)) ] && return 0
		waited=$((waited + 1))
		usleep 100000
	done
	return 1
}

# Kernels without the memory-failure code refuse; those with it may kill the program for its own broken page.
poison_pages() {
	BUN_BE_BUN=1 /exe/kcapture run /poison.ts 2>/dev/null
	return 0
}

# rootfs becomes a ramfs, without the tmpfs limit of half the memory, when root= is on the command line.
load_capture_kernel() {
	kexec -s -p /boot/vmlinuz --initrd=/boot/initrd \
		--command-line="console=ttyS0 no_timer_check root=kcapture nr_cpus=1 reset_devices irqpoll panic=-1 kcapture.role=capture" &&
		[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ]
}

step disks mount_disks
step page-cache fill_page_cache
step hugepages reserve_hugepages
step balloon inflate_balloon
step workload start_workload
step poison poison_pages
step arm load_capture_kernel
report kernel "$(uname -r)"
verdict 0
report crash "$(uptime_seconds)"
sync
echo c >/proc/sysrq-trigger
