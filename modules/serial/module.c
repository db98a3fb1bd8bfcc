/* SPDX-License-Identifier: MIT */
#include <plinth/abi.h>

PLINTH_MODULE("serial", "0.1.0", "16550 UART with a bounded wait, and the log of the VMM");
