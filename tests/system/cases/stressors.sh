# SPDX-License-Identifier: MIT
# stress-ng's stressors of single instructions, with verification, natively, under the VMM
# and after it: each passes three times. As many operations as a PC in software can do.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# Name and number of operations.
STRESSORS=${STRESSORS:-priv-instr:20,x86cpuid:1,x86syscall:2000,sigtrap:200,opcode:2,tsc:2,ioport:2,tlb-shootdown:2,cpu-online:3,rdrand:1}

# stress NAME OPERATIONS: how it went, in a line that does not depend on speed.
stress() {
	stress-ng "--$1" 2 "--$1-ops" "$2" --verify --pathological --timeout 60 \
		--seed 1 --temp-path /tmp >/tmp/words 2>&1
	# Newer ones (0.19) count what they skipped.
	echo "$1: status $?, $(grep -E 'fail:|skipped' /tmp/words | grep -cv 'skipped: 0$') complaints"
}

# all NAME: of STRESSORS.
all() {
	for _stressor in $(echo "$STRESSORS" | tr , ' '); do
		_line=$(stress "${_stressor%:*}" "${_stressor#*:}")
		same "$1, ${_stressor%:*}" "${_stressor%:*}: status 0, 0 complaints" "$_line"
		[ "$_line" = "${_stressor%:*}: status 0, 0 complaints" ] || tail -n 3 /tmp/words
	done
}

all natively
check "the VMM starts" plinth_up
all "under the VMM"
same "it is on every CPU" "$(plinth_signatures)" "$(signatures)"
check "the VMM goes" plinth_down
all "after it"
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
