# SPDX-License-Identifier: MIT
# Shell library of the guest scripts that have a program go round on the last CPU (spin.h); needs plinth.sh.

VICTIM=$((CPUS - 1))

# spin PROGRAM: alone there; whoever uses this library is on the first CPU.
spin() {
	taskset -c $VICTIM "$1" spin /tmp/word &
	spinner=$!
	sleep 1
}

word() {
	hexdump -n 4 -e '/4 "%u\n"' /tmp/word
}

# it_goes_on: it lives and gets on.
it_goes_on() {
	_before=$(word)
	sleep 1
	kill -0 $spinner && [ "$(word)" != "$_before" ]
}

end_it() {
	kill $spinner
	wait $spinner
}

taskset -p 1 $$ >/dev/null
