/* SPDX-License-Identifier: MIT */
#include <plinth/error.h>

const char *plinth_strerror(int err)
{
	/* clang-format off */ /* its releases disagree about such a macro */
	switch (err) {
	case PLINTH_OK: return "success";
#define PLINTH_ERR(name, value, text) case value: return text;
#include <plinth/error.def>
#undef PLINTH_ERR
	}
	/* clang-format on */
	return "unknown error";
}
