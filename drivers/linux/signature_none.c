// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* In a kernel that was built without keys and signatures: nothing can be verified. */
#include <linux/errno.h>
#include <linux/security.h>

#include "drivers/linux/signature.h"

bool signature_wanted(void)
{
	return security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

int signature_verify(const void *bytes, size_t n_bytes)
{
	return -ENOPKG;
}
