// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Signatures of module files, verified by the kernel's keys for modules. */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/module_signature.h>
#include <linux/security.h>
#include <linux/string.h>
#include <linux/verification.h>

#include "drivers/linux/signature.h"

/* The format's own, by whatever names the kernel's headers have them. */
#define SIGNATURE_MARK	"~Module signature appended~\n"
#define SIGNATURE_PKCS7 2

bool signature_wanted(void)
{
	return is_module_sig_enforced() || security_locked_down(LOCKDOWN_MODULE_SIGNATURE);
}

/* The end of the file, from its end: a mark, what there is of a signature, the signature. */
int signature_verify(const void *bytes, size_t n_bytes)
{
	const size_t mark = sizeof(SIGNATURE_MARK) - 1;
	const u8 *file = bytes;
	struct module_signature about;
	size_t left = n_bytes, n_signature;

	if (left <= mark + sizeof(about) || memcmp(file + left - mark, SIGNATURE_MARK, mark))
		return -ENODATA;
	left -= mark + sizeof(about);
	memcpy(&about, file + left, sizeof(about));
	n_signature = be32_to_cpu(about.sig_len);
	if (about.id_type != SIGNATURE_PKCS7 || about.algo || about.hash || about.signer_len ||
	    about.key_id_len)
		return -ENOPKG;
	if (n_signature >= left)
		return -EBADMSG;
	left -= n_signature;
	return verify_pkcs7_signature(file, left, file + left, n_signature, VERIFY_USE_SECONDARY_KEYRING,
				      VERIFYING_MODULE_SIGNATURE, NULL, NULL);
}
