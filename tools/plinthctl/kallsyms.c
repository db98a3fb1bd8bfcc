/* SPDX-License-Identifier: MIT */
#include "kallsyms.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "error_line.h"

bool kallsyms_next(FILE *file, struct kallsyms_line *line)
{
	char text[1024], bracket;

	while (fgets(text, sizeof(text), file)) {
		int n = sscanf(text, "%" SCNx64 " %c %511s %c", &line->address, &line->type, line->name,
			       &bracket);

		line->of_module = n == 4;
		if (n >= 3)
			return true;
	}
	return false;
}

static void take_line(const struct kallsyms_line *line, struct kernel_address *list, size_t n)
{
	for (size_t i = 0; i < n && !line->of_module; i++)
		if (!list[i].type && !strcmp(list[i].name, line->name)) {
			list[i].type = line->type;
			list[i].address = line->address;
		}
}

static int judge(const char *file, const struct kernel_address *symbol)
{
	if (symbol->type && symbol->address)
		return 0;
	if (symbol->type) {
		error_line("%s: %s is at address 0: addresses are hidden: it takes root, and "
			   "kernel.kptr_restrict at 0 or 1",
			   file, symbol->name);
		return -1;
	}
	if (!symbol->needed)
		return 0;
	error_line("%s: has no symbol %s of the kernel itself; variables are there with "
		   "CONFIG_KALLSYMS_ALL, and --kallsyms names another file, such as a System.map",
		   file, symbol->name);
	return -1;
}

/* -1: errno says why. */
static int read_list(const char *file, struct kernel_address *list, size_t n)
{
	FILE *symbols = fopen(file, "re");
	struct kallsyms_line line;
	int err;

	if (!symbols)
		return -1;
	while (kallsyms_next(symbols, &line))
		take_line(&line, list, n);
	err = ferror(symbols) ? -1 : 0;
	fclose(symbols);
	return err;
}

int kallsyms_find(const char *file, struct kernel_address *list, size_t n)
{
	int err = read_list(file, list, n);

	if (err)
		error_line("%s: cannot be read: %s", file, strerror(errno));
	for (size_t i = 0; i < n && !err; i++)
		err = judge(file, &list[i]);
	return err;
}
