/* SPDX-License-Identifier: MIT */
/* A module that provides: functions, data, a weak definition, a note. */
#define EXPORT __attribute__((visibility("default")))

int base_log[16];
EXPORT int base_count;
EXPORT int base_numbers[4] = {3, 5, 7, 11};
/* A pointer to an own export: relocated by symbol. */
EXPORT int *base_pointer = &base_numbers[2];
/* Pointers to hidden data: RELATIVE (or RELR) entries. */
static char hidden[64] = "hidden";
static char *const own[] = {hidden, hidden + 1, hidden + 8, hidden + 63};

EXPORT int base_note(int what);
EXPORT int base_note(int what)
{
	base_log[base_count & 15] = what;
	return base_count++;
}

EXPORT int base_last(void);
EXPORT int base_last(void)
{
	return base_log[(base_count - 1) & 15];
}

EXPORT __attribute__((weak)) int base_choice(void);
EXPORT __attribute__((weak)) int base_choice(void)
{
	return 1;
}

EXPORT int base_sum(void);
EXPORT int base_sum(void)
{
	unsigned int i;
	int sum = *base_pointer + base_choice();

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sum += own[i][0];
	return sum;
}

static __attribute__((constructor)) void start(void)
{
	base_note(100);
}

static __attribute__((destructor)) void end(void)
{
	base_note(199);
}

__attribute__((section(".note.sample"), used, aligned(4))) static const struct {
	unsigned int namesz, descsz, type;
	char name[8];
	unsigned int desc[2];
} note = {7, 8, 42, "Plinth", {0x11223344, 0x55667788}};
