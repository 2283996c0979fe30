#!/bin/sh
# Capture kernel, /init of an image without systemd, any POSIX shell (busybox ash, dash, bash). The executable needs /proc and /dev.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec /bin/sh /usr/lib/kcapture/capture.sh
