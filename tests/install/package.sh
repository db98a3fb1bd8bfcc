# SPDX-License-Identifier: MIT
# The package plinth_*.deb in the emulated PC: installed, used, removed. busybox is the package manager; DKMS is
# played by a script that installs the driver which the host built from the package's own source.
. /lib/plinth/report.sh

kernel=$(uname -r)
unset PLINTH_MODULES
mkdir -p /var/lib/dpkg/info /usr/lib/dkms /lib/modules/$kernel
touch /var/lib/dpkg/status
cat >/usr/lib/dkms/common.postinst <<-END
	#!/bin/sh
	grep -q 'PACKAGE_NAME="plinth"' /usr/src/plinth-\$2/dkms.conf || exit 1
	cp /files/plinth.ko /lib/modules/$kernel/
	echo "plinth.ko:" >/lib/modules/$kernel/modules.dep
END
echo 'exit 0' >/bin/dkms
cat >/bin/deb-systemd-helper <<-'END'
	#!/bin/sh
	echo "$@" >>/tmp/systemd-helper
	[ "$1" != --quiet ] # was-enabled: it was not
END
chmod +x /usr/lib/dkms/common.postinst /bin/dkms /bin/deb-systemd-helper

check "the package installs" busybox dpkg -i --force-depends /files/plinth.deb
# busybox runs the script without the word that dpkg gives it.
check "it configures itself" sh /var/lib/dpkg/info/plinth.postinst configure
check "the unit is known" grep -q plinth.service /tmp/systemd-helper
check "the unit is not enabled" sh -c "! grep -q '^enable' /tmp/systemd-helper"
check "the unit calls what is there" test -x "$(sed -n 's/^ExecStart=\([^ ]*\) load/\1/p' /lib/systemd/system/plinth.service)"
check "the driver goes in" modprobe plinth
check "the installed tool loads the installed modules" /usr/sbin/plinthctl load --add cpuid_leaf
check "they are the installed ones" sh -c "/usr/sbin/plinthctl modules | grep -q 'from /usr/lib/plinth/modules/entry.so'"
refuses "the installed library is found, and no VMM runs" "introspect refused: the VMM is not running" \
	/usr/sbin/plinthctl introspect -- /usr/sbin/plinthctl status
check "unload" /usr/sbin/plinthctl unload
check "the manual is there" test -s /usr/share/man/man8/plinthctl.8.gz
check "completions are there" test -s /usr/share/bash-completion/completions/plinthctl
check "the driver goes out" modprobe -r plinth
check "the package goes" busybox dpkg -r plinth
check "and leaves nothing" test ! -e /usr/sbin/plinthctl
finish
