# Functions of both guest scripts (busybox ash, in the initramfs); read by `.`, not run.
# shellcheck shell=dash

# kernel_word NAME: the value of NAME= on the kernel's command line.
kernel_word() {
	read -r line </proc/cmdline
	for word in $line; do
		case $word in
		"$1="*) echo "${word#*=}" ;;
		esac
	done
}

# The capture kernel would give the host the memory that the crashed one gave it, out of its small reservation.
load_modules() {
	while read -r module; do
		[ "$module $(kernel_word kcapture.role)" = "virtio_balloon.ko capture" ] && continue
		insmod "/modules/$module" || echo "kcapture guest: cannot load $module"
	done </modules/order
}

# attach_ports NAME: the two ports a script talks to: NAME for its verdict, and the one for everything else.
attach_ports() {
	verdict_port=$(port "$1") && report_port=$(port report)
}

# port NAME: the character device of a virtio-serial port, waited for.
port() {
	tries=0
	while [ "$tries" -lt 100 ]; do
		for entry in /sys/class/virtio-ports/*; do
			if [ "$(cat "$entry/name" 2>/dev/null)" = "$1" ] && [ -c "/dev/${entry##*/}" ]; then
				echo "/dev/${entry##*/}"
				return 0
			fi
		done
		tries=$((tries + 1))
		usleep 100000
	done
	return 1
}

# disk SERIAL: the block device of a virtio disk, waited for. A path that is no block device is never printed: a redirection to it would
# make a regular file in memory and look like success.
disk() {
	tries=0
	while [ "$tries" -lt 100 ]; do
		for entry in /sys/block/vd*; do
			if [ "$(cat "$entry/serial" 2>/dev/null)" = "$1" ] && [ -b "/dev/${entry##*/}" ]; then
				echo "/dev/${entry##*/}"
				return 0
			fi
		done
		tries=$((tries + 1))
		usleep 100000
	done
	return 1
}

# report KEY VALUE: one line for the host.
report() {
	echo "$1=$2" >"$report_port"
}

uptime_seconds() {
	read -r up _ </proc/uptime
	echo "$up"
}

# step NAME COMMAND...: runs a command, reports how long it took, and ends the script with the verdict when it fails.
# The verdict is the number of the failed step, counted from 1.
step_number=0
step() {
	step_number=$((step_number + 1))
	step_name=$1
	shift
	report "begin.$step_name" "$(uptime_seconds)"
	"$@"
	status=$?
	report "end.$step_name" "$(uptime_seconds) $status"
	[ "$status" -eq 0 ] && return 0
	echo "kcapture guest: step $step_name failed with status $status"
	verdict "$step_number"
	sync
	reboot -f
}

# verdict NUMBER: 0 says all steps were done.
verdict() {
	echo "$1" >"$verdict_port"
}
