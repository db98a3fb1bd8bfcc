# SPDX-License-Identifier: MIT
# Modules built out of tree, and a swapped exit handler, in the emulated PC. /files has them.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

# The newest record of that kind on CPU 0.
traced() {
	plinthctl trace --exit "$1" --cpu 0 --last 1
}

# says_state STATE COMMAND...: with --json it prints the status document, and nothing else.
says_state() {
	_state=$1
	shift
	"$@" --json >/tmp/json 2>/tmp/json-errors
	same "$* --json: status" 0 $?
	same "$* --json: state" "  \"state\":\"$_state\"," "$(sed -n 2p /tmp/json)"
	same "$* --json: no word beside it" "" "$(cat /tmp/json-errors)"
}

# answers WHEN: each CPU gives back an empty message, a short one and the longest there is, and says who it is.
answers() {
	for cpu in $(seq 0 $((CPUS - 1))); do
		plinthctl call echo --cpu "$cpu" >/tmp/answer
		same "$1, CPU $cpu: an empty message" "0 0" "$? $(wc -c </tmp/answer)"
		same "$1, CPU $cpu: digits" 00ff7f "$(plinthctl call echo --cpu "$cpu" --hex 00FF 7f)"
		plinthctl call echo --cpu "$cpu" /tmp/longest >/tmp/answer
		check "$1, CPU $cpu: the longest message" cmp /tmp/longest /tmp/answer
		same "$1, CPU $cpu: it is the one that answers" "cpu $cpu" "$(plinthctl call counters --cpu "$cpu" | head -n 1)"
	done
}

# registered MODULE: what modules -v says that it has registered.
registered() {
	plinthctl modules -v | sed -n "/^[^ ]* *$1 /,/^[^ ]/s/^  registered //p"
}

native=$(signatures)
head -c 4032 /dev/urandom >/tmp/longest
check "the driver goes in" driver_in
refuses "a message before the load" "call echo refused: no modules are loaded: load them first" plinthctl call echo

echo "== extensions built out of tree"
cat >/tmp/set.list <<-END
	# A module list: one file a line, relative to the list's folder or absolute.
	$(ls $MODULES/*.so)
	/files/cpuid_leaf.so # ours
END
check "a list of modules and --add load" plinthctl load --modules /tmp/set.list --add /files/exit_tracer.so --uart $UART
refuses "a message to nobody" "no extension that is loaded answers calls: load one" plinthctl call echo
plinthctl modules >/tmp/modules
cat /tmp/modules
check "modules: where from" grep -q 'from /files/cpuid_leaf.so' /tmp/modules
check "modules: whom it needs" grep -A2 '^cpuid_leaf ' /tmp/modules
same "modules: cpuid_leaf needs the exit handler" "  needs exit_handler" \
	"$(grep -A2 '^cpuid_leaf ' /tmp/modules | grep needs)"
same "modules: who serves whom" 1 "$(grep -A3 '^exit_handler ' /tmp/modules | grep -c 'serves.*cpuid_leaf')"
plinthctl modules -v | grep -B4 '^  registered'
same "modules -v: the leaf of cpuid_leaf" "CPUID 0x40000100" "$(registered cpuid_leaf)"
same "modules -v: the tracer is the first" "exits unknown to msr-list; in this order: exit_tracer, ept, ept" "$(registered exit_tracer)"
check "modules -v: who stands above ept" \
	sh -c "plinthctl modules -v | grep -x '  registered exits slat-violation; in this order: exit_tracer, ept'"
check "modules -v: its MSRs" sh -c "plinthctl modules -v | grep -x '  registered writes of MSR 0x2ff'"
check "modules -v: the driver's hypercalls" \
	sh -c "plinthctl modules -v | grep -x \"  registered the kernel's hypercall 0x504c4e5443414c4c\""
same "modules -v: a name, and who has it" "messages to registrations" "$(registered entry | grep messages)"
same "modules --json -v" 1 "$(plinthctl modules --json -v | tr -d ' \n' |
	grep -c '"sort":"cpuid","first":1073742080,"last":1073742080,"first_subleaf":0,"last_subleaf":4294967295,"handler":[0-9]*,"order":."cpuid_leaf".}')"
same "without -v nothing of it" 0 "$(plinthctl modules --json | grep -c registered)"
plinthctl modules -v /files/cpuid_leaf.so >/dev/null 2>&1
same "modules -v of files" 2 $?
refuses "trace before the start" "exit_tracer" plinthctl trace
check "a component says more" plinthctl log --set vcpu=debug
check "the VMM starts" plinthctl start
check "and has said more" sh -c "plinthctl log | grep -q ' debug vcpu: '"
same "others have not" 0 "$(plinthctl log | grep -v ' vcpu: ' | grep -c ' debug ')"
same "our CPUID leaf answers" "Hello!......" "$(cpuid_probe --leaf 40000100 --cpu 0 --signature | sed 's/.*: //')"
cpuid_probe --count 10 >/dev/null
check "trace shows exits" plinthctl trace
plinthctl trace --exit cpuid --cpu 0 --last 3 | tee /tmp/trace
same "trace: three CPUID exits of CPU 0" 3 "$(grep -c 'cpu 0 cpuid .*detail.*rip.*user' /tmp/trace)"
same "trace: nothing of another kind" 0 "$(plinthctl trace --exit xsetbv --cpu 0 | grep -vc xsetbv)"
plinthctl trace --json --last 1
check "trace: record MSRs only" plinthctl trace --record msr-read,msr-write
before=$(traced cpuid)
cpuid_probe --count 100 >/dev/null
same "trace: CPUID is recorded no more" "$before" "$(traced cpuid)"
check "trace: record all again" plinthctl trace --record all
cpuid_probe --count 100 >/dev/null
check "trace: and CPUID is there again" test "$before" != "$(traced cpuid)"
plinthctl trace --record noise >/dev/null 2>&1
same "trace: a kind that is none" 2 $?
plinthctl stat --watch=0.5 --count 2 >/tmp/watch
cat /tmp/watch
same "stat --watch: two screens" 2 "$(grep -c '^exits a second' /tmp/watch)"
check "stat --watch: time in handlers" grep -q '^in handlers, %' /tmp/watch
check "stat --watch: time in the VMM" grep -q '^in the VMM, % at least  *[0-9]*\.[0-9]' /tmp/watch
plinthctl stat --watch=0.2 --count 3 --json | tee /tmp/watch
same "stat --watch --json: three lines" 3 "$(grep -c '^{.*"root_percent_min":.*"handler_percent":.*}$' /tmp/watch)"

echo "== the log"
check "log as JSON lines" sh -c "plinthctl log --json | grep -q '\"tag\":\"entry\"'"
check "log --level error" sh -c "! plinthctl log --level error | grep -q ' info '"
check "log -f ends with what is there" sh -c "timeout 2 plinthctl log -f >/tmp/follow; grep -q entry /tmp/follow"
check "a level for all" plinthctl log --set debug
check "a level for a component" plinthctl log --set vcpu=error
check "and no more" plinthctl log --set vcpu=default
plinthctl log --set noise >/dev/null 2>&1
same "a level that is none" 2 $?
plinthctl report -o /tmp/report >/dev/null
check "report has the log" grep -q '^== VMM.s log' /tmp/report
check "report has the modules" grep -q 'from /files/cpuid_leaf.so' /tmp/report
check "report --json" plinthctl report --json -o /tmp/report
same "report --json has the log" 1 "$(grep -c "^  \"VMM's log\":\".*entry: ready" /tmp/report)"
same "modules -v of a running VMM" "CPUID 0x40000100" "$(registered cpuid_leaf)"
says_state loaded plinthctl stop
says_state unloaded plinthctl unload
check "modules -v: nothing" plinthctl modules -v

echo "== messages"
check "with second-level translation" plinthctl load --add /files/counters.so
answers loaded
same "what is registered went with the modules" "messages to counters
messages to echo" "$(plinthctl modules -v | grep -v registrations | sed -nE 's/^  registered (CPUID|exits unknown|messages)/\1/p')"
check "start" plinthctl start
answers running
check "it counts its exits" sh -c "plinthctl call counters | grep -x 'hypercall [0-9]*'"
same "a message from a pipe" "hello" "$(echo hello | plinthctl call echo -)"
same "an answer in JSON" '  "answer":"0102"' "$(plinthctl call echo --json --hex 0102 | sed -n 2p)"
refuses "a message that is too long" "has more than 4032 bytes" sh -c "head -c 4033 /dev/zero | plinthctl call echo -"
refuses "a name that nobody has" "those that answer: counters, echo" plinthctl call nobody
refuses "a CPU that is not there" "CPU 77 is not online" plinthctl call echo --cpu 77
refuses "what an extension refuses" "the extension refuses: invalid argument" plinthctl call counters --hex 00
answers "after that"
check "stop" plinthctl stop
answers "stopped"
check "unload" plinthctl unload
check "without second-level translation" plinthctl load --without ept --add /files/counters.so
check "start" plinthctl start
answers "no ept"
check "stop" plinthctl stop
check "unload" plinthctl unload

echo "== JSON"
same "an error is an object" '{"error":"start refused: no modules are loaded: load them first"}' \
	"$(plinthctl start --json 2>&1)"
says_state loaded plinthctl load --add introspection
says_state running plinthctl start
chmod +x /files/peeking
check "a program of others looks at memory" /files/peeking
plinthctl stat --watch=0.2 --count 1 | tee /tmp/watch
check "stat --watch says who could measure" grep -q 'in handlers .*measured with load --add exit_tracer' /tmp/watch
check "stop" plinthctl stop
check "unload" plinthctl unload

echo "== what does not fit"
refuses "a function of another version" "newer.so.*version 3 of exit_register_kind.*exit_handler.so offers version 2; .*exit_handler.so is the older" \
	plinthctl load --uart $UART --add /files/newer.so
refuses "an extension that is not there" "nowhere" plinthctl load --add nowhere

echo "== a swapped exit handler"
check "it loads" plinthctl load --uart $UART --replace exit_handler=/files/exit_handler.so
check "it starts" plinthctl start
same "it is the one in charge" "cpu 0: SwappedByUs!" "$(signatures | head -n 1)"
check "stop" plinthctl stop
check "unload" plinthctl unload
same "CPUID has its native answer" "$native" "$(signatures)"
check "the driver goes out" driver_out
same "the kernel has nothing to complain of" "" "$(kernel_complaints)"
finish
