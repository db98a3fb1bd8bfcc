// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Signatures of module files, verified by the kernel's keys for modules. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/module_signature.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/verification.h>

#include "drivers/linux/signature.h"

bool signature_wanted(void)
{
	return is_module_sig_enforced() || security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

/* The end of the file, from its end: a mark, what there is of a signature, the signature. */
int signature_verify(const void *bytes, size_t n_bytes)
{
	const size_t mark = sizeof(MODULE_SIG_STRING) - 1;
	const u8 *file = bytes;
	struct module_signature about;
	size_t left = n_bytes, n_signature;

	if (left <= mark + sizeof(about) || memcmp(file + left - mark, MODULE_SIG_STRING, mark))
		return -ENODATA;
	left -= mark + sizeof(about);
	memcpy(&about, file + left, sizeof(about));
	n_signature = be32_to_cpu(about.sig_len);
	if (about.id_type != PKEY_ID_PKCS7 || about.algo || about.hash || about.signer_len || about.key_id_len)
		return -ENOPKG;
	if (n_signature >= left)
		return -EBADMSG;
	left -= n_signature;
	return verify_pkcs7_signature(file, left, file + left, n_signature, VERIFY_USE_SECONDARY_KEYRING,
				      VERIFYING_MODULE_SIGNATURE, NULL, NULL);
}
