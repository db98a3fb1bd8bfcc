/* SPDX-License-Identifier: MIT */
#include "lockdown.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool first_line(const char *path, char *line, int size)
{
	FILE *file = fopen(path, "re");
	bool good = file && fgets(line, size, file);

	if (file)
		fclose(file);
	return good;
}

const char *lockdown_reason(void)
{
	char line[128];

	/* "none [integrity] confidentiality": the one in brackets rules. */
	if (first_line("/sys/kernel/security/lockdown", line, sizeof(line))) {
		if (strstr(line, "[integrity]"))
			return "kernel lockdown: integrity";
		if (strstr(line, "[confidentiality]"))
			return "kernel lockdown: confidentiality";
	}
	if (first_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line)) && *line == 'Y')
		return "module.sig_enforce";
	return NULL;
}
