#!/bin/sh
# Running system, POSIX sh, called by the pacman hook: removes capture images of kernels whose modules are gone.
for image in /var/lib/kcapture/kcapture-*.img; do
	release=${image#/var/lib/kcapture/kcapture-}
	release=${release%.img}
	[ -e "$image" ] && [ ! -d "/usr/lib/modules/$release" ] && rm -f -- "$image"
done
exit 0
