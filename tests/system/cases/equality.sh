# SPDX-License-Identifier: MIT
# Three-way equality: natively, under the VMM and after it, in one boot, the machine looks
# the same to programs and to the kernel, except where documented: CPUID.1:ECX[31], the
# hypervisor leaves, the features no guest has (LASS and FRED, CPUID.(EAX=07H,ECX=1):EAX), and MSRs 40000000h to 400000ffh,
# which raise #GP as on bare metal.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# on_cpus COMMAND...: once on each CPU.
on_cpus() {
	for _cpu in $(seq 0 $((CPUS - 1))); do
		taskset -c "$_cpu" "$@" | sed "s/^/cpu $_cpu: /"
	done
}

# Without what is documented to differ, and what is never the same twice: the
# local APIC's number in leaf 1 depends on nothing, so it stays in.
cpuid_text() {
	cpuid -r | sed -e '/0x4000/d' -e '/0x00000001 0x00/s/ecx=0x[89a-f]\(.......\)/ecx=0x_\1/' \
		-e '/0x00000001 0x00/s/ecx=0x[0-7]\(.......\)/ecx=0x_\1/' | without_hidden
}

HIDDEN=$((1 << 6 | 1 << 17)) # LASS, FRED

without_hidden() {
	while read -r _line; do
		case $_line in
		*"0x00000007 0x01: eax="*)
			_rest=${_line#*eax=}
			_eax=${_rest%% *}
			echo "${_line%%eax=*}eax=$(printf 0x%08x $((_eax & ~HIDDEN))) ${_rest#* }"
			;;
		*) echo "$_line" ;;
		esac
	done
}

# shown: which of the hidden ones CPUID shows on any CPU.
shown() {
	for _eax in $(cpuid -r -l 7 -s 1 | sed -n 's/.*0x00000007 0x01: eax=\(0x[0-9a-f]*\).*/\1/p'); do
		echo $((_eax & HIDDEN))
	done | sort -u
}

# take FOLDER: everything that can be looked at.
take() {
	mkdir -p "$1"
	on_cpus stepping >"$1/stepping" # the kernel leaves a trace of it in DR7 on each CPU it was on
	on_cpus cat /proc/exit_probe >"$1/kernel"
	on_cpus resume_flag >"$1/resume_flag"
	on_cpus compat >"$1/cpuid-compat"
	on_cpus protection_key >"$1/protection-keys"
	on_cpus cat /proc/intruder_msrs >"$1/msr-writes"
	cpuid_text >"$1/cpuid"
	msr_sweep >"$1/msr"
	msr_sweep 2000 20ff 40000100 400001ff 80000000 800000ff bffffff0 bfffffff c0002000 c00020ff >"$1/msr-outside"
	tsc_order >"$1/time"
	workload >"$1/workload"
	# Knows other hypervisors only, and must not take Plinth for one of them.
	(virt-what-cpuid-helper && echo "that is all") >"$1/virt-what"
}

# compare NAME FOLDER: each text is what it was natively.
compare() {
	for _text in stepping resume_flag kernel cpuid cpuid-compat protection-keys msr msr-outside msr-writes time workload virt-what; do
		if diff "/tmp/native/$_text" "$2/$_text" >/tmp/diff; then
			ok "$_text $1 ($(wc -l <"$2/$_text") lines)"
		else
			not_ok "$_text $1" "differs"
			head -n 20 /tmp/diff
		fi
	done
}

check "the msr driver" modprobe msr
check "the tests' module goes in" insmod /lib/plinth/exit_probe.ko
check "and the intruder" insmod /lib/plinth/intruder.ko
take /tmp/native
for text in /tmp/native/*; do
	[ -s "$text" ] || not_ok "a native text" "$text is empty"
done
check "the VMM starts" plinth_up
same "the VMM is there" "$(plinth_signatures)" "$(signatures)"
take /tmp/under
compare "under the VMM" /tmp/under
same "LASS and FRED are not shown" 0 "$(shown)"
same "a hypervisor's MSRs are not there" "cpu 0: 40000000-400000ff: none" \
	"$(msr_sweep 40000000 400000ff | head -n 1)"
check "the VMM goes" plinth_down
take /tmp/after
compare "after the VMM" /tmp/after
check "the tests' module goes out" rmmod exit_probe
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
