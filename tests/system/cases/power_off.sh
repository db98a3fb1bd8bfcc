# SPDX-License-Identifier: MIT
# The machine is switched off while the VMM runs; the PC's runner checks that
# it really goes off.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "the VMM starts" plinth_up
same "Plinth is on every CPU" "$(plinth_signatures)" "$(signatures)"
finish
