#!/bin/sh
# Initramfs of dracut without systemd, sourced by POSIX sh (dash, bash or busybox) as the first hook of the first stage: before udev, before
# anybody asks for a root device. In an ordinary boot it does nothing.

kcapture_wanted() {
	[ -e /proc/vmcore ] && return 0
	# The capture kernel it is, but its memory image is missing: the script says so and reboots.
	case " $(cat /proc/cmdline) " in
	*' root=kcapture '*) return 0 ;;
	esac
	return 1
}

if kcapture_wanted; then
	# If the script ever comes back, dracut must not stop for want of a root device before the guard reboots.
	# shellcheck disable=SC2034 # read by dracut
	root=kcapture rootok=1
	sh /usr/lib/kcapture/capture.sh
	echo b >/proc/sysrq-trigger
fi
