/* SPDX-License-Identifier: MIT */
/* What LibVMI has to know of a Linux kernel, in the two forms that it reads. */
#ifndef PLINTHCTL_VMI_PROFILE_H
#define PLINTHCTL_VMI_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "kallsyms.h"
#include "kernel_types.h"

enum { VMI_MEMBERS = 5 };

struct json_object;

struct vmi_profile {
	const char *domain;
	struct kernel_member members[VMI_MEMBERS];
	struct kernel_address *symbols; /* those of type 0 are left out */
	size_t n_symbols;
};

/* vmi_profile_init() - which members LibVMI asks for; their offsets are to be found. */
void vmi_profile_init(struct vmi_profile *profile, const char *domain);

/* What LibVMI's configuration can have: the name of a domain, and that of a file. */
bool vmi_profile_is_domain(const char *word);
bool vmi_profile_is_path(const char *path);

/* vmi_profile_is_keyword() - whether it is a word of that configuration's own, and can be no domain. */
bool vmi_profile_is_keyword(const char *word);

/* vmi_profile_is_own() - whether a configuration's text begins as vmi_profile_conf() begins it. */
bool vmi_profile_is_own(const char *text, size_t size);

/*
 * The three files, as text with a NUL for free(), or NULL: no memory.
 * vmi_profile_conf() - the first form: offsets, and the name of the file of symbols
 * vmi_profile_sysmap() - that file; LibVMI reads it from the beginning each time it looks for a symbol
 * vmi_profile_json() - the second form, by itself: as much of Volatility's symbol file as LibVMI reads
 */
char *vmi_profile_conf(const struct vmi_profile *profile, const char *sysmap);
char *vmi_profile_sysmap(const struct vmi_profile *profile);
char *vmi_profile_json(const struct vmi_profile *profile);

#endif
