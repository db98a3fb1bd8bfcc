#!/bin/sh
# SPDX-License-Identifier: MIT
# One step of dkms_test.py, run by mmdebstrap for a Debian that lives in a folder.
#
#   dkms_root.sh install|remove ROOT
#   dkms_root.sh second ROOT LINE SUITE     another kernel's headers come, of that suite, which the source list's line names
set -eu

step=$1
root=$2

inside() {
	chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

fail() {
	echo "dkms_root.sh: $*" >&2
	exit 1
}

# What DKMS prints its dots with lives a few seconds longer; until then the Debian cannot be unmounted.
await_end_of_all() {
	for _ in $(seq 30); do
		readlink /proc/[0-9]*/root 2>/dev/null | grep -qxF "$root" || return 0
		sleep 1
	done
	fail "processes in $root do not end"
}

driver() {
	find "$root/usr/lib/modules" -path '*/updates/dkms/plinth.ko*'
}

# DKMS packs the driver as the kernel's own modules are packed.
unpacked() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*) cat "$1" ;;
	esac
}

case $step in
install)
	inside apt-get install -y --no-install-recommends /root/plinth.deb
	inside dkms status | tee "$root/root/dkms-status"
	grep -q '^plinth/.*: installed$' "$root/root/dkms-status" || fail "DKMS has not installed the driver"
	[ "$(driver | wc -l)" -eq 1 ] || fail "no driver, or several: $(driver)"
	# A locked-down kernel takes it when the key that DKMS made here is enrolled.
	unpacked "$(driver)" | tail -c 28 | grep -q 'Module signature appended' || fail "DKMS has not signed the driver"
	[ -s "$root/var/lib/dkms/mok.pub" ] || fail "no key to be enrolled: /var/lib/dkms/mok.pub"
	inside sh -c "plinthctl check /usr/lib/plinth/modules/*.so" | tail -n 1 | grep -x 'would load'
	inside sh -c 'ls /etc/systemd/system/*/plinth.service' 2>/dev/null && fail "the unit is on, nobody asked for it"
	;;
second)
	echo "$3" >"$root/etc/apt/sources.list.d/second.list"
	inside apt-get update
	# What somebody has who only asks for the newer kernel: no pahole, though such headers may hold what it would read.
	inside apt-get install -y --no-install-recommends -t "$4" linux-headers-amd64
	inside dkms status
	[ "$(inside dkms status | grep -c '^plinth/.*: installed')" -eq 2 ] || fail "DKMS has not built the driver for the second kernel"
	for built in $(driver); do
		release=${built#"$root"/usr/lib/modules/}
		release=${release%%/*}
		inside modinfo -F vermagic "${built#"$root"}" | grep -q "^$release " || fail "$built is not for $release"
	done
	;;
remove)
	inside apt-get purge -y plinth
	[ -z "$(driver)" ] || fail "the driver stays behind: $(driver)"
	for path in "$root"/usr/sbin/plinthctl "$root"/usr/lib/plinth "$root"/usr/src/plinth-* "$root"/var/lib/dkms/plinth; do
		[ ! -e "$path" ] || fail "$path stays behind"
	done
	await_end_of_all
	;;
esac
exit 0
