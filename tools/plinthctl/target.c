/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <limits.h>
#include <stdint.h>

#include "error_line.h"
#include "number.h"
#include "options.h"

void option_pid(const char *word, void *to)
{
	struct plinth_target *target = to;
	uint64_t pid;

	if (target->space == PLINTH_SPACE_PHYSICAL)
		usage_error("physical addresses are nobody's");
	if (!number_parse(word, "", INT_MAX, &pid) || !pid)
		usage_error("wants the number of a process");
	*target = (struct plinth_target){PLINTH_SPACE_PROCESS, (uint32_t)pid};
}

void option_physical(const char *word, void *to)
{
	struct plinth_target *target = to;

	(void)word;
	if (target->space == PLINTH_SPACE_PROCESS)
		usage_error("physical addresses are nobody's");
	*target = (struct plinth_target){PLINTH_SPACE_PHYSICAL, 0};
}

uint64_t target_address(const char *word)
{
	uint64_t address;

	if (!number_parse(word, "", UINT64_MAX, &address))
		usage_error("\"%s\": ADDR is a number, such as 0xffffffff81000000", word);
	return address;
}

uint64_t target_bytes(const char *word, uint64_t most)
{
	uint64_t bytes;

	if (!number_parse(word, "KMG", most, &bytes) || !bytes)
		usage_error("\"%s\": LEN is 1 to %llu bytes, also with K, M or G", word,
			    (unsigned long long)most);
	return bytes;
}

void target_failed(int device)
{
	char text[1024];

	plinth_peek_reason(device, text, sizeof(text));
	error_line("%s", text);
}
