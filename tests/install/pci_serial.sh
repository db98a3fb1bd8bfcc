# SPDX-License-Identifier: MIT
# The VMM's log on a PCI serial card; the host reads what the card sent.
. /lib/plinth/report.sh
. /lib/plinth/plinth.sh

check "the driver goes in" driver_in
refuses_usage() {
	plinthctl load --uart "$1" >/tmp/out 2>&1
	same "--uart $1 is refused" 2 $?
	cat /tmp/out
}
refuses_usage com5
refuses_usage pci:7
refuses_usage com1,9600000
check "the modules load, the log goes to the card" plinthctl load --uart pci,115200
same "the card answers" 0 "$(logged warn '"tag":"serial"')"
check "unload" plinthctl unload
# uart_byte REGISTER, uart_put REGISTER OCTAL: COM2's registers, through /dev/port.
uart_byte() {
	dd if=/dev/port bs=1 count=1 skip=$((0x2f8 + $1)) 2>/dev/null | od -An -tx1 | tr -d ' '
}
uart_put() {
	printf "\\$2" | dd of=/dev/port bs=1 count=1 seek=$((0x2f8 + $1)) conv=notrunc 2>/dev/null
}
# line_is NAME WANTED: line control, then divisor high and low, which are there while bit 7 of it is set.
line_is() {
	_control=$(uart_byte 3)
	uart_put 3 203
	same "$1" "$2" "$_control $(uart_byte 1) $(uart_byte 0)"
	uart_put 3 003
}
check "9600 baud" plinthctl load --uart com2,9600
line_is "is set" "03 00 0c"
check "unload" plinthctl unload
check "com2 as it is" plinthctl load --uart com2,keep
line_is "is left" "03 00 0c"
check "unload" plinthctl unload
check "com2 without a speed" plinthctl load --uart com2
line_is "is 8N1 at 115200" "03 00 01"
check "unload" plinthctl unload
check "a port where nothing is" plinthctl load --uart 0x9999
same "is told, and no error" 1 "$(logged warn '"tag":"serial"' 0x9999)"

echo "== reading the log"
# lines ARGUMENT...: how many lines of the log are shown.
lines() {
	plinthctl log "$@" | wc -l
}
all=$(lines)
check "there are lines of several levels" test "$(lines --level warn)" -ge 1 -a "$(lines --level warn)" -lt "$all"
same "--since long ago: all" "$all" "$(lines --since 1000)"
sleep 1
same "--since just now: none" 0 "$(lines --since 0.5)"
same "--cpu" "$all" "$(lines --cpu 0)"
same "--cpu of another" 0 "$(lines --cpu 1)"
timeout 2 plinthctl log -f --json >/tmp/follow
same "-f --json: objects, a line each" "$all" "$(grep -c '^{"tsc":[0-9]*,"cpu":0,"sequence":[0-9]*,"level":"[a-z]*".*}$' /tmp/follow)"
same "no colour in a file" 0 "$(plinthctl log | grep -c "$(printf '\033')")"
# The console is a terminal: the host looks at what is there.
echo "coloured:"
plinthctl log --level warn >/dev/console
echo "plain:"
NO_COLOR=1 plinthctl log --level warn >/dev/console
echo "end of colours"
check "unload" plinthctl unload
check "the driver goes out" driver_out
finish
