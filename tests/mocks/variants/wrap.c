/* SPDX-License-Identifier: MIT */
/*
 * A shipped module some of whose functions fail when the test says so. The module's
 * sources are compiled with those functions named shipped_*; here are the ones that others
 * see. WRAP_LIST holds them: WRAP(type, name, parameters, arguments, result of a failure).
 */
#include <plinth/entry.h>
#include <plinth/exit_handler.h>
#include <plinth/memory.h>
#include <plinth/serial.h>
#include <plinth/vcpu.h>
#include <plinth/vendor.h>

#include "../intrinsics/calls.h"

#define WRAP(type, name, parameters, arguments, failure)                                                     \
	PLINTH_EXPORT type shipped_##name parameters;                                                        \
	type name parameters                                                                                 \
	{                                                                                                    \
		return MODEL->fault(#name) ? (type)(failure) : shipped_##name arguments;                     \
	}
#include WRAP_LIST
