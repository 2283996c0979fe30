#!/bin/sh
# Running system, POSIX sh, called by Debian's kernel packages from /etc/kernel/postrm.d as `RELEASE IMAGE`: the image of a kernel that is
# removed goes too. The image of a new kernel is made when it is first loaded.
case ${1-} in
'' | */*) exit 0 ;;
esac
[ -d "/lib/modules/$1/kernel" ] && exit 0
rm -f -- "/var/lib/kcapture/kcapture-$1.img"
