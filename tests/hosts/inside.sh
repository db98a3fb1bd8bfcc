# SPDX-License-Identifier: MIT
# Runs a command of the sources in a root that run.py made; a mount and a PID namespace of our own are around us.
#
#   inside.sh ROOT COMMAND...
set -eu

root=$1
shift
mount --bind "$root" "$root" # so that / is a mount there, too: who wants a namespace of his own asks for that
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run"
for file in /etc/resolv.conf /etc/hosts; do
	[ ! -e "$file" ] || cp -L "$file" "$root/etc/"
done
# A login of its own: nothing of this machine's environment.
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb chroot "$root" sh -euc '
	dpkg --configure -a # where an earlier run was ended in the middle of an installation
	cd /plinth
	exec "$@"
' sh "$@"
