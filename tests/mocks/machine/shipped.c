/* SPDX-License-Identifier: MIT */
/* The machine loads what ships, but for the intrinsics. */
#include <stddef.h>

#include "machine.h"

const char *const machine_usual[] = {"mock_intrinsics", "serial", "memory",    "vcpu_intel", "vcpu",
				     "exit_handler",	"ept",	  "vmx_check", "entry",	     NULL};
const char *const machine_linked[] = {NULL};
