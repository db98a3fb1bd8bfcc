# SPDX-License-Identifier: MIT
# The test bed itself: work on the bare kernel, files and variables handed in.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# A page a round must be noticed, nothing at all must not. Of so many rounds that what the kernel gives up meanwhile does not make up for it.
leak_page() {
	head -c 4096 /dev/zero >"$(mktemp /tmp/leak.XXXXXX)"
}

same "a file handed in" "hello" "$(cat /files/greeting)"
same "a variable handed in" "it's here" "$BED_VARIABLE"
check "a module of the stock kernel" modprobe msr
check "workload" workload
check "cpuid_probe" cpuid_probe
steady "no leak" 20 true
case $(steady "a leak" 100 leak_page | tail -n 1) in
"not ok a leak: "*) ok "a leak is noticed" ;;
*) not_ok "a leak is noticed" "it was not" ;;
esac
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
