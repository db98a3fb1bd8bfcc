# SPDX-License-Identifier: MIT
# Runs ./test in a root that run.py made; a mount and a PID namespace of our own are around us.
#
#   inside.sh ROOT SUITE...
set -eu

root=$1
shift
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
	./test "$@" || true
	first() { "$@" 2>&1 | head -n 1; }
	echo "host: kernel $(scripts/kernel.sh release 2>/dev/null), $(first clang --version), $(first gcc --version)," \
		"Bochs $(dpkg-query -W -f "\${Version}" bochs), $(first qemu-system-x86_64 --version)"
' sh "$@"
