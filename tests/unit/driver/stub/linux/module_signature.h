/* SPDX-License-Identifier: MIT */
/* The trailer of a signed module, as scripts/sign-file writes it. */
#ifndef STUB_LINUX_MODULE_SIGNATURE_H
#define STUB_LINUX_MODULE_SIGNATURE_H

#include <linux/types.h>

#define MODULE_SIG_STRING "~Module signature appended~\n"

enum pkey_id_type { PKEY_ID_PGP, PKEY_ID_X509, PKEY_ID_PKCS7 };

struct module_signature {
	u8 algo, hash, id_type, signer_len, key_id_len, pad[3];
	u32 sig_len; /* big-endian */
};

#endif
