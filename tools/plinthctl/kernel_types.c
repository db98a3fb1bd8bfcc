/* SPDX-License-Identifier: MIT */
#include "kernel_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error_line.h"

#define DEPTH_MAX 16 /* of structures within each other; a file may say anything */

/* What was found: a bit field has a size. */
struct place {
	uint64_t bit;
	uint32_t field_bits;
};

static bool find_member(const struct btf *btf, const struct btf_type *type, const char *name,
			unsigned int depth, struct place *at);

/* @unnamed: what a member without a name is. */
static bool find_inside(const struct btf *btf, const struct btf_type *unnamed, const char *name,
			unsigned int depth, struct place *at)
{
	return unnamed && depth < DEPTH_MAX && btf_is_composite(unnamed) &&
	       find_member(btf, unnamed, name, depth + 1, at);
}

static bool find_member(const struct btf *btf, const struct btf_type *type, const char *name,
			unsigned int depth, struct place *at)
{
	const struct btf_member *members = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *called = btf__name_by_offset(btf, members[i].name_off);
		uint32_t bit = btf_member_bit_offset(type, i);

		if (called && !strcmp(called, name)) {
			*at = (struct place){bit, btf_member_bitfield_size(type, i)};
			return true;
		}
		if (called && !*called &&
		    find_inside(btf, btf__type_by_id(btf, members[i].type), name, depth, at)) {
			at->bit += bit;
			return true;
		}
	}
	return false;
}

static int find_offset(const char *file, const struct btf *btf, struct kernel_member *wanted)
{
	int id = btf__find_by_name_kind(btf, wanted->structure, BTF_KIND_STRUCT);
	struct place at;

	if (id < 0) {
		error_line("%s: has no struct %s: is it of a Linux kernel?", file, wanted->structure);
		return -1;
	}
	if (!find_member(btf, btf__type_by_id(btf, (uint32_t)id), wanted->member, 0, &at)) {
		error_line("%s: struct %s has no member %s: this is no kernel that plinthctl knows", file,
			   wanted->structure, wanted->member);
		return -1;
	}
	if (at.field_bits || at.bit % 8) {
		error_line("%s: %s.%s begins at bit %llu, or is a bit field: it has no offset in bytes", file,
			   wanted->structure, wanted->member, (unsigned long long)at.bit);
		return -1;
	}
	wanted->offset = at.bit / 8;
	return 0;
}

static struct btf *open_types(const char *file)
{
	struct btf *btf;
	char why[128];
	int err;

	libbpf_set_print(NULL); /* it has lines of its own for standard error */
	btf = btf__parse(file, NULL);
	if (btf)
		return btf;
	err = errno;
	if (err == ENOENT && !access(file, F_OK))
		snprintf(why, sizeof(why), "no section .BTF");
	else
		libbpf_strerror(err, why, sizeof(why));
	error_line("%s: no type information (BTF) to be had: %s; kernels built with "
		   "CONFIG_DEBUG_INFO_BTF have it, --btf names another file",
		   file, why);
	return NULL;
}

int kernel_types_find(const char *file, struct kernel_member *list, size_t n)
{
	struct btf *btf = open_types(file);
	int err = btf ? 0 : -1;

	for (size_t i = 0; i < n && !err; i++)
		err = find_offset(file, btf, &list[i]);
	btf__free(btf);
	return err;
}
