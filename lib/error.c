/* SPDX-License-Identifier: MIT */
#include <plinth/error.h>

const char *plinth_strerror(int err)
{
	switch (err) {
	case PLINTH_OK: return "success";
#define PLINTH_ERR(name, value, text)                                                                        \
	case value:                                                                                          \
		return text;
#include <plinth/error.def>
#undef PLINTH_ERR
	}
	return "unknown error";
}
