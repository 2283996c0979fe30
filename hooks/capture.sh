#!/bin/sh
# Capture kernel, in every image, any POSIX shell (busybox ash, dash, bash). Called by init, a systemd unit or a generator's hook.
# Mounts the executable, runs it, runs it again in safer ways when it dies, and reboots whatever happens. What is saved, where and how is
# decided in the executable. Needs: cat chmod insmod mkdir mount rm sleep.

PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 077
library=/usr/lib/kcapture
run=/run/kcapture

say() {
	echo "<4>kcapture: $*" 2>/dev/null >/dev/kmsg || echo "kcapture: $*"
}

# Never returns. Without sysrq in the kernel, init's end is a panic, and panic= on the command line reboots.
restart() {
	say "rebooting: $1"
	echo s >/proc/sysrq-trigger
	sleep 3
	echo b >/proc/sysrq-trigger
	sleep 5
	reboot -f
	exit 1
}

# Reboots when the agent has not shown progress for a while, or when all the time is over. Nothing but the agent can stop it, and only
# when it leaves a shell to a person. A sleep that fails counts as slept: better too early than never.
guard() {
	trap '' HUP INT TERM QUIT PIPE
	idle=0 total=0
	while [ ! -e "$run/guard-off" ]; do
		sleep 10
		idle=$((idle + 10)) total=$((total + 10))
		if [ -e "$run/alive" ]; then
			rm -f "$run/alive"
			idle=0
		fi
		[ "$idle" -lt "$patience" ] || restart "no progress for $idle seconds"
		[ "$limit" -eq 0 ] || [ "$total" -lt "$limit" ] || restart "the time limit of $limit seconds is over"
	done
}

# The executable lies in a squashfs: unpacked it would not fit. A module that is there already is no fault. Read ahead, two blocks would be
# unpacked for a page that is wanted: the executable starts in a third less time without (measured).
mount_payload() {
	while read -r module; do
		insmod "$module" 2>/dev/null
	done <"$library/early-modules"
	mkdir -p "$run/exe"
	mount -t squashfs -o ro,loop "$library/kcapture.squashfs" "$run/exe" || return
	for loop in /sys/block/loop*; do
		if [ -e "$loop/loop" ]; then echo 0 >"$loop/queue/read_ahead_kb"; fi
	done
	agent=$run/exe/kcapture
}

# The out-of-memory killer may take the agent, never this script: it has the last word. An agent that saved something has restarted the
# machine itself; one that comes back with status 1 saved nothing, for whatever reason.
attempt() {
	: >"$run/alive"
	(
		echo 500 >/proc/self/oom_score_adj
		exec "$agent" capture --unattended "$@"
	)
	status=$?
	case $status in
	0 | 3) return 0 ;;
	esac
	say "the capture ended with status $status${*:+ ($*)}"
	return 1
}

last_words() {
	say "nothing more can be saved; what is known follows"
	cat "$run/kcapture.log" /proc/meminfo
}

mkdir -p "$run"
if (: </dev/console) 2>/dev/null; then exec </dev/console >/dev/console 2>&1; fi
echo -1000 >/proc/self/oom_score_adj

patience=600 limit=0
if [ -r /etc/kcapture/guard ]; then read -r patience limit </etc/kcapture/guard; fi
KCAPTURE_GUARD=$patience
export KCAPTURE_GUARD
guard &

# What the executable's runtime takes for itself: 32 MB of heap become 19 (measured), and the dump takes as long as before. Its compilers: code is
# compiled when it has run often, not by the one that pays only in long runs, and not in the background, where it takes the one processor from the dump:
# a start in 25 ms and not 40, a dump with 62 MB and not 69 in the same time (measured; emulated, in a tenth less).
BUN_OPTIONS=--smol BUN_JSC_forceRAMSize=30000000 BUN_JSC_thresholdForJITAfterWarmUp=5000 BUN_JSC_useFTLJIT=0 BUN_JSC_useConcurrentJIT=0 MIMALLOC_PURGE_DELAY=0
export BUN_OPTIONS BUN_JSC_forceRAMSize BUN_JSC_thresholdForJITAfterWarmUp BUN_JSC_useFTLJIT BUN_JSC_useConcurrentJIT MIMALLOC_PURGE_DELAY

[ -e /proc/vmcore ] || restart "there is no /proc/vmcore: this kernel was not started by a crash, or not with its memory image"

agent=$library/kcapture
if [ -e "$agent" ]; then
	chmod 0755 "$agent"
else
	mount_payload || say "the executable cannot be mounted"
fi

attempt || attempt --safe || attempt --dmesg-only || last_words
restart "the capture is over"
