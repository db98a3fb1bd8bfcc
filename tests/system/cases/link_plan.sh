# SPDX-License-Identifier: MIT
# A link plan beside the modules: used by the kernel's linker if it fits, never in the way if not.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# loads STATE WHAT OPTIONS...: a load succeeds, and the plan is in that state.
loads() {
	wanted=$1
	what=$2
	shift 2
	check "$what: loads" plinthctl load --modules /tmp/modules "$@"
	same "$what: the plan" "$wanted" "$(vmm_status link_plan)"
	check "$what: unloads" plinthctl unload
}

check "the driver goes in" driver_in
cp -r "$MODULES" /tmp/modules
rm -f /tmp/modules/modules.plan
loads none "no plan"
check "a plan is written" plinthctl plan /tmp/modules/*.so
cp /tmp/modules/modules.plan /tmp/good.plan
loads used "the modules it was made for" --no-aslr
loads used "the same at random addresses"
loads "does not fit" "a module less" --without ept
loads "does not fit" "a module more" --add exit_tracer

head -c 1000 /tmp/good.plan >/tmp/modules/modules.plan
loads "does not fit" "a plan cut short"
head -c 2000000 /dev/zero >/tmp/modules/modules.plan
loads "does not fit" "a file of zeros"
: >/tmp/modules/modules.plan
loads "does not fit" "an empty file"
head -c 2000000 /dev/urandom >/tmp/modules/modules.plan
loads "does not fit" "a file of anything"
rm /tmp/modules/modules.plan
mkdir /tmp/modules/modules.plan
loads none "a folder of that name"

check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
