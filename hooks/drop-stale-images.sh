#!/bin/sh
# Running system, POSIX sh, called by the pacman hook: removes capture images of kernels whose modules are gone.
cd /var/lib/kcapture 2>/dev/null || exit 0
for image in kcapture-*.img; do
	release=${image#kcapture-}
	release=${release%.img}
	[ -e "$image" ] && [ ! -d "/usr/lib/modules/$release" ] && rm -rf -- "$image" "kcapture-$release.json" "staging-$release"
done
exit 0
