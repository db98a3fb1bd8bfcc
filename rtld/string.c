/* SPDX-License-Identifier: MIT */
/* The string table, and the names the dynamic section takes from it. */
#include "internal.h"

static int check_string_table(struct rtld_module *m)
{
	const void *at;
	int err;

	m->strings_size = m->tag[RTLD_DT_STRSZ];
	if (!m->strings_size)
		return rtld_fail(m, RTLD_STRTAB_EMPTY, RTLD_T_STRTAB, 0, 0, 0);
	err = rtld_tag_view(m, RTLD_DT_STRTAB, m->strings_size, 1, &at);
	if (err)
		return err;
	m->strings = at;
	m->strings_end = m->strings + m->strings_size;
	if (m->strings[0])
		return rtld_fail(m, RTLD_STRTAB_FIRST, RTLD_T_STRTAB, 0, (uint8_t)m->strings[0], 0);
	if (m->strings[m->strings_size - 1])
		return rtld_fail(m, RTLD_STRTAB_LAST, RTLD_T_STRTAB, 0,
				 (uint8_t)m->strings[m->strings_size - 1], 0);
	return 0;
}

static int check_name(struct rtld_module *m, uint32_t i)
{
	uint64_t offset = m->dyn[i].value;

	if (offset >= m->strings_size)
		return rtld_fail(m, RTLD_STRING_RANGE, RTLD_T_DYNAMIC, i, offset, m->strings_size);
	if (!m->strings[offset])
		return rtld_fail(m, RTLD_NAME_EMPTY, RTLD_T_DYNAMIC, i, 0, 0);
	return 0;
}

static int check_names(struct rtld_module *m)
{
	uint32_t i;
	int err;

	for (i = 0; i < m->names_end; i++) {
		uint64_t tag = m->dyn[i].tag;

		if (tag != DT_NEEDED && tag != DT_SONAME)
			continue;
		err = check_name(m, i);
		if (err)
			return err;
	}
	return 0;
}

const char *rtld_base_name(const char *path)
{
	const char *name = path;

	for (; *path; path++)
		if (*path == '/')
			name = path + 1;
	return name;
}

int rtld_check_strings(struct rtld_module *m)
{
	int err = check_string_table(m);

	if (!err)
		err = check_names(m);
	if (err)
		return err;
	m->info.name = rtld_has(m, RTLD_DT_SONAME) ? m->strings + m->tag[RTLD_DT_SONAME]
						   : rtld_base_name(m->info.file);
	return 0;
}

const char *rtld_next_needed(const struct rtld_set *set, uint32_t module, uint32_t *at)
{
	const struct rtld_module *m;

	if (module >= set->count)
		return NULL;
	m = &set->module[module];
	while (*at < m->names_end) {
		const struct elf64_dyn *d = &m->dyn[(*at)++];

		if (d->tag == DT_NEEDED)
			return m->strings + d->value;
	}
	return NULL;
}

bool rtld_module_names(const struct rtld_set *set, uint32_t module, struct rtld_names *out)
{
	if (module >= set->count)
		return false;
	*out = (struct rtld_names){set->module[module].strings, set->module[module].strings_size};
	return true;
}
