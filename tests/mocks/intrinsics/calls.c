/* SPDX-License-Identifier: MIT */
/* The mock intrinsics: every function is the model CPU's, which lives in the test's process. */
#include "calls.h"

PLINTH_MODULE("mock_intrinsics", "0.1.0", "a model of the CPU instead of the CPU (tests)");

#define CALL(type, name, parameters, arguments)                                                              \
	type cpu_##name parameters                                                                           \
	{                                                                                                    \
		return MODEL->name arguments;                                                                \
	}
#define VOID_CALL(name, parameters, arguments)                                                               \
	void cpu_##name parameters                                                                           \
	{                                                                                                    \
		MODEL->name arguments;                                                                       \
	}
#define NORETURN_CALL(name, parameters, arguments)                                                           \
	void cpu_##name parameters                                                                           \
	{                                                                                                    \
		MODEL->name arguments;                                                                       \
		__builtin_unreachable();                                                                     \
	}
#include "calls.def"
