/* SPDX-License-Identifier: MIT */
/* Names, for those who have few: name.h out of line. */
#include "name.h"

void rtld_name_hash(struct rtld_name *name, const char *text, const char *end)
{
	*name = rtld_hash_name(text, end);
}

bool rtld_name_at(const struct rtld_module *m, uint32_t offset, const struct rtld_name *name)
{
	return rtld_is_named(m, offset, name);
}

uint64_t rtld_hash_bytes(const char *text, const char *at, const char *end, uint32_t hash)
{
	for (; at < end && *at; at++)
		hash = hash * 33 + (uint8_t)*at;
	return (uint64_t)(at - text) << 32 | hash;
}

uint64_t rtld_name_key(const char *text, const char *end)
{
	return rtld_hash_and_length(text, end);
}
