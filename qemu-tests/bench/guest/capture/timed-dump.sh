#!/bin/sh
# The capture kernel of the benchmark (busybox ash, in the initramfs): timed-dump.sh NAME COMMAND... runs a command that dumps to /disk/dump, and
# reports its wall, user and system seconds until all is on the disk, its peak memory in KiB, and the size. What it starts from comes from the
# image, not from the page cache, and free memory holds nothing but zeros: QEMU spends a second on forgetting what it translated for the program
# before when its pages are used again. Of the dump stays the beginning, with its bitmaps, and what the command printed.
# shellcheck source=/dev/null
. /common.sh
# shellcheck disable=SC2034 # report() writes to it
report_port=$(port report)
name=$1
shift
sync
echo 3 >/proc/sys/vm/drop_caches
free_mib=$(awk '/^MemFree/ {print int($2 / 1024)}' /proc/meminfo)
dd if=/dev/zero of=/run/zeros bs=1M count=$((free_mib - 8)) 2>/dev/null
rm /run/zeros
# shellcheck disable=SC2016
if ! /usr/bin/time -q -o /run/times -f '%e %U %S %M' sh -c '"$@" && sync' sh "$@" >"/disk/$name.out" 2>&1; then
	cat "/disk/$name.out"
	exit 1
fi
report "run.$name" "$(cat /run/times) $(stat -c %s /disk/dump)"
head -c 1048576 /disk/dump >"/disk/$name.head"
rm /disk/dump
