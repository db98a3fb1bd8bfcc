/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else's, by the installed header and library: looks at its own memory from outside,
 * and changes it. Exit status 0: all was as it should be; 3: there is no device.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <plinth/peek.h>

static volatile uint64_t word = 0x0123456789abcdef;
static volatile char large[3 * 4096] = "l";

static int device;

static int wrong(const char *what)
{
	char why[256];

	plinth_peek_reason(device, why, sizeof(why));
	printf("%s: %s\n", what, why);
	return 1;
}

static int look(const struct plinth_target *me)
{
	static char copy[sizeof(large)];
	uint64_t seen = 0, physical, other = 42;
	const struct plinth_target machine = {PLINTH_SPACE_PHYSICAL, 0};

	if (plinth_peek(device, me, (uintptr_t)&word, &seen, sizeof(seen)) || seen != word)
		return wrong("peek");
	if (plinth_locate(device, me, (uintptr_t)&word, &physical) ||
	    physical % 4096 != (uintptr_t)&word % 4096)
		return wrong("locate");
	if (plinth_peek(device, &machine, physical, &seen, sizeof(seen)) || seen != word)
		return wrong("by its physical address");
	if (plinth_poke(device, me, (uintptr_t)&word, &other, sizeof(other)) || word != other)
		return wrong("poke");
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7);
	if (plinth_peek(device, me, (uintptr_t)large, copy, sizeof(large)) ||
	    memcmp((const char *)large, copy, sizeof(large)))
		return wrong("many pages");
	return 0;
}

static int be_refused(const struct plinth_target *me)
{
	struct plinth_ctl_registers registers;
	char why[256];
	uint64_t seen;

	if (!plinth_peek(device, me, 8, &seen, sizeof(seen)) || errno != EFAULT)
		return wrong("what is not mapped");
	plinth_peek_reason(device, why, sizeof(why));
	if (!strstr(why, "0x8: is not mapped"))
		return wrong("in words");
	if (!plinth_poke(device, me, (uintptr_t)large, (const char *)large, sizeof(large)) ||
	    errno != EMSGSIZE)
		return wrong("too many bytes");
	if (plinth_registers(device, 0, &registers) || !(registers.cr0 & 1))
		return wrong("registers");
	return 0;
}

int main(void)
{
	const struct plinth_target me = {PLINTH_SPACE_PROCESS, (uint32_t)getpid()};

	device = plinth_peek_open();
	if (device < 0)
		return errno == ENOENT ? 3 : 1;
	return look(&me) || be_refused(&me);
}
