/* SPDX-License-Identifier: MIT */
/* What counts as a signed module file, and what of it the kernel is asked to verify. */
#include <criterion/criterion.h>
#include <string.h>

#include <linux/errno.h>
#include <linux/module.h>
#include <linux/module_signature.h>
#include <linux/security.h>
#include <linux/verification.h>

#include "drivers/linux/signature.h"

#define DATA	  "the module"
#define SIGNATURE "its signature"

static bool enforced, locked;
static int verdict;
static unsigned int asked;
static size_t data_bytes, signature_bytes;

bool is_module_sig_enforced(void)
{
	return enforced;
}

int security_locked_down(enum lockdown_reason what)
{
	cr_expect_eq(what, LOCKDOWN_MODULE_SIGNATURE);
	return locked ? -EPERM : 0;
}

int verify_pkcs7_signature(const void *data, size_t n_data, const void *pkcs7, size_t n_pkcs7,
			   struct key *keys, enum key_being_used_for usage,
			   int (*view)(void *ctx, const void *data, size_t n, size_t asn1), void *ctx)
{
	asked++;
	data_bytes = n_data;
	signature_bytes = n_pkcs7;
	cr_expect_eq((const char *)data + n_data, pkcs7, "the signature follows what it is of");
	cr_expect_eq(keys, VERIFY_USE_SECONDARY_KEYRING,
		     "the keys by which the kernel takes its own modules");
	cr_expect_eq(usage, VERIFYING_MODULE_SIGNATURE);
	cr_expect(!view && !ctx);
	return verdict;
}

/* A file that says of itself what a signer says. */
static struct {
	char bytes[256];
	size_t n;
} file;

static void put(const void *bytes, size_t n)
{
	memcpy(file.bytes + file.n, bytes, n);
	file.n += n;
}

static void sign(const struct module_signature *about)
{
	file.n = 0;
	put(DATA, sizeof(DATA));
	put(SIGNATURE, sizeof(SIGNATURE));
	put(about, sizeof(*about));
	put(MODULE_SIG_STRING, sizeof(MODULE_SIG_STRING) - 1);
}

static struct module_signature usual(size_t bytes)
{
	return (struct module_signature){.id_type = PKEY_ID_PKCS7, .sig_len = __builtin_bswap32((u32)bytes)};
}

Test(driver_signature, what_it_is_of)
{
	const struct module_signature about = usual(sizeof(SIGNATURE));

	sign(&about);
	cr_expect_eq(signature_verify(file.bytes, file.n), 0);
	cr_expect_eq(asked, 1);
	cr_expect_eq(data_bytes, sizeof(DATA));
	cr_expect_eq(signature_bytes, sizeof(SIGNATURE));
	verdict = -ENOKEY;
	cr_expect_eq(signature_verify(file.bytes, file.n), -ENOKEY, "what the kernel says");
}

/* Cut anywhere the end is not there, or not the whole of what it speaks of. */
Test(driver_signature, every_cut)
{
	const struct module_signature about = usual(sizeof(SIGNATURE));

	sign(&about);
	for (size_t n = 0; n < file.n; n++)
		cr_expect_eq(signature_verify(file.bytes, n), -ENODATA, "%zu bytes", n);
	for (size_t from = 1; from < file.n; from++) {
		const size_t left = file.n - from;
		const size_t end = sizeof(about) + sizeof(MODULE_SIG_STRING) - 1;
		const int want = left <= end ? -ENODATA : left <= end + sizeof(SIGNATURE) ? -EBADMSG : 0;

		cr_expect_eq(signature_verify(file.bytes + from, left), want, "from byte %zu", from);
	}
}

Test(driver_signature, what_it_says_of_itself)
{
	const size_t end = sizeof(struct module_signature) + sizeof(MODULE_SIG_STRING) - 1;
	struct module_signature about;

	for (size_t i = 0; i < 5; i++) {
		about = usual(sizeof(SIGNATURE));
		((u8 *)&about)[i] ^= 1;
		sign(&about);
		cr_expect_eq(signature_verify(file.bytes, file.n), -ENOPKG, "byte %zu", i);
	}
	for (u32 bytes = 0; bytes < 1000; bytes++) {
		about = usual(bytes);
		sign(&about);
		cr_expect_eq(signature_verify(file.bytes, file.n), bytes < file.n - end ? 0 : -EBADMSG,
			     "%u bytes", bytes);
	}
	about = usual(0xffffffff);
	sign(&about);
	cr_expect_eq(signature_verify(file.bytes, file.n), -EBADMSG);
}

Test(driver_signature, when_one_is_wanted)
{
	cr_expect_not(signature_wanted());
	enforced = true;
	cr_expect(signature_wanted(), "module.sig_enforce");
	enforced = false;
	locked = true;
	cr_expect(signature_wanted(), "lockdown");
}
