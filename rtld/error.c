/* SPDX-License-Identifier: MIT */
/* Collecting what is wrong. */
#include "internal.h"

#define RTLD_CHECK(id, code, shows, text, post) [RTLD_##id] = PLINTH_E_##code,
static const int8_t check_code[RTLD_CHECKS] = {
#include "checks.def"
};
#undef RTLD_CHECK

int rtld_report(struct rtld_set *set, const struct rtld_error *error)
{
	struct rtld_errors *errors = set->errors;

	if (errors->count < errors->room)
		errors->list[errors->count] = *error;
	errors->count++;
	return check_code[error->check];
}

static struct rtld_error error_of(const struct rtld_module *m, enum rtld_check check, enum rtld_table table,
				  uint64_t index, uint64_t value, uint64_t limit)
{
	return (struct rtld_error){
		.check = check,
		.table = table,
		.module = m->position,
		.other = RTLD_NONE,
		.index = index,
		.value = value,
		.limit = limit,
		.file = m->info.file,
	};
}

int rtld_fail(struct rtld_module *m, enum rtld_check check, enum rtld_table table, uint64_t index,
	      uint64_t value, uint64_t limit)
{
	const struct rtld_error error = error_of(m, check, table, index, value, limit);

	return rtld_report(m->set, &error);
}

int rtld_fail_symbol(struct rtld_module *m, enum rtld_check check, enum rtld_table table, uint64_t index,
		     uint64_t value, uint64_t limit, uint32_t symbol)
{
	struct rtld_error error = error_of(m, check, table, index, value, limit);

	error.symbol = rtld_symbol_name(m, symbol);
	return rtld_report(m->set, &error);
}
