/* SPDX-License-Identifier: MIT */
#ifndef STUB_LINUX_VERIFICATION_H
#define STUB_LINUX_VERIFICATION_H

#include <stddef.h>

struct key;

#define VERIFY_USE_SECONDARY_KEYRING ((struct key *)1ul)

enum key_being_used_for { VERIFYING_MODULE_SIGNATURE, VERIFYING_KEXEC_PE_SIGNATURE };

int verify_pkcs7_signature(const void *data, size_t n_data, const void *pkcs7, size_t n_pkcs7,
			   struct key *keys, enum key_being_used_for usage,
			   int (*view)(void *ctx, const void *data, size_t n, size_t asn1), void *ctx);

#endif
