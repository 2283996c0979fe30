#!/bin/sh
# Running system, POSIX sh, called by Debian's kernel packages from /etc/kernel/postrm.d as `RELEASE IMAGE`: the image of a kernel that is
# removed goes too, with what it was made from. The image of a new kernel is made when it is first loaded.
case ${1-} in
'' | */*) exit 0 ;;
esac
[ -d "/lib/modules/$1/kernel" ] && exit 0
cd /var/lib/kcapture 2>/dev/null || exit 0
rm -rf -- "kcapture-$1.img" "kcapture-$1.json" "staging-$1"
