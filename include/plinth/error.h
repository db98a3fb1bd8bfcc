/* SPDX-License-Identifier: MIT */
/*
 * Error codes shared by every component. A fallible function returns 0 or one
 * negative PLINTH_E_*; results go through pointers that are untouched on failure.
 */
#ifndef PLINTH_ERROR_H
#define PLINTH_ERROR_H

enum plinth_error {
	PLINTH_OK = 0,
#define PLINTH_ERR(name, value, text) PLINTH_E_##name = (value),
#include <plinth/error.def>
#undef PLINTH_ERR
};

#define PLINTH_MUST_USE __attribute__((warn_unused_result))

/**
 * plinth_strerror() - the text of an error code.
 * @err: 0 or a PLINTH_E_* value
 *
 * Context: any; pure.
 * Return:  a constant string, "unknown error" for a value that is not in the list.
 */
const char *plinth_strerror(int err);

#endif
