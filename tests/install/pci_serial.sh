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
same "the card answers" 0 "$(plinthctl log | grep -c 'no UART answers')"
check "unload" plinthctl unload
check "com2 by name" plinthctl load --uart com2,115200
check "unload" plinthctl unload
check "a port where nothing is" plinthctl load --uart 0x9999
same "is told, and no error" 1 "$(plinthctl log | grep -c 'no UART answers at port 0x9999')"
check "unload" plinthctl unload
check "the driver goes out" driver_out
finish
