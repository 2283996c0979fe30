#!/bin/sh
# Runs the steps of one boot (dash, on the Debian root; from the runner or from machine.service) and ends the machine.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C
usleep() {
	busybox usleep "$1"
}
# shellcheck source=/dev/null
. /run/machine/common.sh

modprobe -q virtio_console
attach_ports verdict || exit 1
files_port=$(port files) || exit 1
mkdir -p /run/machine/output
report up "$(uptime_seconds)"

# wait_block PATH: until a block device is there.
wait_block() {
	tries=0
	until [ -b "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -le 100 ] || return 1
		usleep 100000
	done
}

# network_up: the card as an administrator would set it, without a lease; `host` is the host's loopback.
network_up() {
	modprobe virtio_net || return 1
	card=$(basename "$(grep -lx 52:54:00:6d:61:63 /sys/class/net/*/address | xargs dirname)") || return 1
	ip link set "$card" up
	ip address replace 10.0.2.15/24 dev "$card"
	ip route replace default via 10.0.2.2
	echo 'nameserver 10.0.2.3' >/etc/resolv.conf
	grep -q ' host$' /etc/hosts || echo '10.0.2.2 host' >>/etc/hosts
}

# send PATH...: files and folders to the host, which unpacks them; absolute paths.
send() {
	for path in "$@"; do
		tar -C / -cf - "${path#/}" >"$files_port" || return 1
	done
}

# unplug NAME: the host takes the disk out of the running machine.
unplug() {
	report unplug "$1"
	tries=0
	while grep -qsx "$1" /sys/block/vd*/serial; do
		tries=$((tries + 1))
		[ "$tries" -le 300 ] || return 1
		usleep 100000
	done
}

power_off() {
	sync
	busybox poweroff -f
	# Between the request and the end nothing else shall run.
	sleep 60
}

# run_step NAME STATUS FUNCTION: STATUS is what it must end with, or "any". What it prints goes to the host whole, and to the console.
step_number=0
run_step() {
	step_number=$((step_number + 1))
	report "begin.$1" "$(uptime_seconds)"
	echo "machine: step $1"
	("$3") </dev/null >"/run/machine/output/$1" 2>&1
	status=$?
	report "end.$1" "$(uptime_seconds) $status"
	head -c 20000 "/run/machine/output/$1"
	send "/run/machine/output/$1"
	[ "$2" = any ] || [ "$2" = "$status" ] && return 0
	echo "machine: step $1 ended with status $status, expected $2"
	verdict "$step_number"
	power_off
}

crash_now() {
	echo 1 >/proc/sys/kernel/sysrq
	echo c >/proc/sysrq-trigger
}

# shellcheck source=/dev/null
. /run/machine/script.sh
