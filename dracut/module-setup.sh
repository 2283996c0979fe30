#!/bin/bash
# Build host, bash, read by dracut (059 and later) as modules.d/NNkcapture/module-setup.sh.
# Puts into the image what `kcapture requirements` names, and starts the capture as early as the image's first process allows: a systemd unit
# where systemd is in the image, a hook of the first stage where dracut's own init is, and as the first process where neither is.
# shellcheck disable=SC2154 # dracut sets moddir, initdir, kernel, mount_needs and systemdsystemunitdir

# 255: only in an image that asks for this module, never in the machine's own one.
check() {
	[[ $mount_needs ]] && return 1
	require_binaries kcapture || return 1
	return 255
}

# Nothing: every module takes memory twice while the image is unpacked. Whoever wants base or systemd asks dracut for it.
depends() {
	return 0
}

install() {
	local consumer=dracut requirements
	# Without another init the capture is the first process, and one busybox does for all programs.
	dracut_module_included base || dracut_module_included systemd || consumer=image
	requirements=$(kcapture requirements --for "$consumer" --kernel "$kernel") || kcapture_abort "kcapture requirements failed"
	kcapture_install_all <<<"$requirements"
	if dracut_module_included systemd; then
		kcapture_start_by_systemd
	elif [[ $consumer == dracut ]]; then
		inst_hook cmdline 00 "$moddir/kcapture-cmdline.sh"
	fi
}

# Each line is a kind and its fields, parted by tabs.
kcapture_install_all() {
	local kind first second third
	while IFS=$'\t' read -r kind first second third; do
		case $kind in
		folder) kcapture_make_folder "$first" "$second" ;;
		file) kcapture_install_file "$first" "$second" "$third" ;;
		program) inst_binary "$first" || kcapture_abort "$first cannot be installed" ;;
		link) [[ -e $initdir$first ]] || ln -s "$second" "$initdir$first" || kcapture_abort "$first cannot be made" ;;
		library) inst_library "$first" || kcapture_abort "$first cannot be installed" ;;
		firmware) inst_simple "/lib/firmware/$first" || kcapture_abort "firmware $first cannot be installed" ;;
		warning) dwarning "kcapture: $first" ;;
		esac
	done
}

kcapture_make_folder() {
	local path=$1 mode=$2
	mkdir -p "$initdir$path" || kcapture_abort "$path cannot be made"
	chmod "$mode" "$initdir$path" || kcapture_abort "$path cannot get mode $mode"
}

# dracut runs strip over every file that may be executed, which destroys kcapture's program. A plain executable therefore travels without
# its x bits; capture.sh sets them.
kcapture_install_file() {
	local source=$1 destination=$2 mode=$3
	rm -f "$initdir$destination"
	inst_simple "$source" "$destination" || kcapture_abort "$source cannot be installed as $destination"
	[[ $destination == /usr/lib/kcapture/kcapture ]] && mode=0644
	chmod "$mode" "$initdir$destination" || kcapture_abort "$destination cannot get mode $mode"
}

kcapture_start_by_systemd() {
	local unit=kcapture-capture.service name
	inst_simple "/usr/lib/kcapture/$unit" "$systemdsystemunitdir/$unit" || kcapture_abort "$unit cannot be installed"
	mkdir -p "$initdir$systemdsystemunitdir/sysinit.target.wants"
	ln -sf "../$unit" "$initdir$systemdsystemunitdir/sysinit.target.wants/$unit"
	for name in emergency rescue dracut-emergency initrd-parse-etc initrd-cleanup initrd-switch-root; do
		inst_simple /usr/lib/kcapture/not-in-capture.conf "$systemdsystemunitdir/$name.service.d/50-kcapture.conf" ||
			kcapture_abort "not-in-capture.conf cannot be installed"
	done
}

# An image without its parts must not come into being: nobody would notice before the crash.
kcapture_abort() {
	dfatal "kcapture: $1. Aborting initrd creation."
	exit 1
}
