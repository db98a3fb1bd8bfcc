/* SPDX-License-Identifier: MIT */
/*
 * Calls of chance to introspection, in all registers; what comes of each is known beforehand as far as the
 * reference says it.
 *
 *   introspect_fuzz CALLS SEED read|write|outside
 *
 * "outside": nobody has registered this process. "read" and "write" are what it may do; who may write is
 * shown only pages of its own, or the kernel would not live long. The exit status is 0 if all was as it
 * should be; else a line says what was not.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <plinth/introspection.h>

#include "chance.h"
#include "every_register.h"

#define PAGE	4096ull
#define WINDOW	(INTROSPECTION_WINDOW_BYTES / PAGE)
#define KNOWN	16u	       /* pages with contents that no other has */
#define STAMP	(PAGE / 8 - 1) /* the word of a page that tells which it is: no text reaches there */
#define TEXT	2048u	       /* bytes of a page in which texts begin */
#define LEAST	330u	       /* bytes of a text of 23 registers that are all 0 */
#define MOST	1024u	       /* and more than any has */
#define EACH	4096u	       /* calls from one look at everything to the next */
#define APIC	0xfee00000ull
#define RAM	(512ull << 20) /* behind it the PC has none */
#define NUMBERS (INTROSPECTION_CALLS_LAST - INTROSPECTION_CALLS)

static bool is_inside, may_write;
static uint64_t call_number;
static uint64_t *window[WINDOW];
static uint64_t own[WINDOW], shown[WINDOW]; /* physical addresses */
static uint64_t *known, known_pa[KNOWN];
static char *odd; /* pages of every kind that a buffer can be in, a known one before each */
static struct every_register in, out;

static void wrong(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("call %llu, RAX 0x%llx, RDI 0x%llx, RSI 0x%llx: ", (unsigned long long)call_number,
	       (unsigned long long)in.r[RAX], (unsigned long long)in.r[RDI], (unsigned long long)in.r[RSI]);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(2);
}

/* -- memory -------------------------------------------------------------------------------------- */

static uint64_t call_plainly(uint64_t number, const void *address, uint64_t rsi, uint64_t *rdi)
{
	struct every_register regs = {
		.r = {[RAX] = INTROSPECTION_CALLS + number, [RDI] = (uintptr_t)address, [RSI] = rsi}};

	if (every_register_call(&regs, &regs))
		return ~0ull;
	if (rdi)
		*rdi = regs.r[RDI];
	return regs.r[RAX];
}

static uint64_t physical_of(const void *address)
{
	uint64_t pa;

	if (call_plainly(INTROSPECTION_TRANSLATE, address, 0, &pa))
		wrong("%p has no physical address", address);
	return pa;
}

static void *take_pages(size_t n, int rights)
{
	void *pages = mmap(NULL, n * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return pages;
}

/* There, not there yet, to be copied first, not to be written, not to be touched, and nothing. */
static void make_odd_pages(void)
{
	volatile char *look;

	odd = take_pages(10, PROT_READ | PROT_WRITE);
	for (unsigned int i = 0; i < 10; i += 2)
		odd[i * PAGE] = 1;
	look = odd + 3 * PAGE; /* the page of zeroes */
	(void)*look;
	mprotect(odd + 5 * PAGE, PAGE, PROT_READ);
	mprotect(odd + 7 * PAGE, PAGE, PROT_NONE);
	munmap(odd + 9 * PAGE, PAGE);
}

static void make_window(void)
{
	for (unsigned int i = 0; i < WINDOW; i++) {
		void *page;

		if (posix_memalign(&page, PAGE, PAGE))
			wrong("no page %u of the window", i);
		window[i] = page;
		window[i][STAMP] = i;
		own[i] = shown[i] = physical_of(page);
	}
}

static void make_known(void)
{
	known = take_pages(KNOWN, PROT_READ | PROT_WRITE);
	mlock(known, KNOWN * PAGE);
	for (unsigned int i = 0; i < KNOWN; i++)
		known[i * PAGE / 8 + STAMP] = WINDOW + i;
}

/* -- arguments ------------------------------------------------------------------------------------- */

static uint64_t some_page_of(unsigned int *index)
{
	*index = (unsigned int)chance_below(WINDOW);
	return (uintptr_t)window[*index];
}

static uint64_t some_address(void)
{
	unsigned int i;

	switch (chance_below(8)) {
	case 0: return chance_word() | 1ull << 63;
	case 1: return chance_below(PAGE);
	case 2: return (1ull << 47) + chance_below(2 * PAGE) - PAGE;
	case 3: return (uintptr_t)every_register_back() + chance_below(64);
	case 4: return is_inside ? some_page_of(&i) + chance_below(TEXT) : chance_below(PAGE);
	default: return (uintptr_t)odd + chance_below(9) * PAGE + chance_below(PAGE);
	}
}

static uint64_t some_physical(void)
{
	switch (chance_below(8)) {
	case 0: return chance_word() | 1ull << 52;
	case 1: return APIC + chance_below(PAGE);
	case 2: return own[chance_below(WINDOW)];
	case 3: return (1ull << 39) + chance_below(RAM);
	case 4:
	case 5: return may_write ? APIC - chance_below(1u << 20) : chance_below(RAM);
	default: return known_pa[chance_below(KNOWN)] + chance_below(PAGE);
	}
}

/* What registers are to be: members of all kinds, then bytes are changed in half of them. */
static uint64_t some_text(void)
{
	static const char *const names[] = {"CR0", "CR3", "RAX", "RBX", "RCX", "RDX", "RBP", "RSI",
					    "RDI", "RSP", "R08", "R10", "R15", "RIP", "RFL", "MSR_EFER"};
	char *text = odd + 2 * PAGE;
	size_t used = (size_t)sprintf(text, "{");

	for (uint64_t i = 0, n = chance_below(6); i < n; i++)
		used += (size_t)sprintf(text + used, "%s\"%s\":%lld", i ? "," : "", names[chance_below(16)],
					(long long)(chance_below(3) ? chance_word() : every_register_back()));
	used += (size_t)sprintf(text + used, "}") + 1;
	for (uint64_t i = chance_below(2) * chance_below(4); i; i--)
		text[chance_below(used)] = (char)chance_word();
	return (uintptr_t)text;
}

static void draw_arguments(void)
{
	unsigned int i;

	switch (chance_below(8)) {
	case 0:
		in.r[RDI] = some_text();
		in.r[RSI] = PAGE;
		break;
	case 1:
	case 2: in.r[RSI] = MOST; break;
	case 3: in.r[RSI] = chance_below(2 * PAGE); break;
	default:
		in.r[RSI] = some_physical();
		if (is_inside)
			in.r[RDI] = some_page_of(&i) + chance_below(TEXT);
	}
}

static void draw_call(void)
{
	for (unsigned int i = 0; i < N_REGISTERS; i++)
		in.r[i] = chance_word();
	in.r[RAX] = INTROSPECTION_CALLS + chance_below(7);
	in.r[RDI] = some_address();
	draw_arguments();
	switch (chance_below(16)) {
	case 0: in.r[RAX] = chance_word(); break;
	case 1: in.r[RAX] = INTROSPECTION_CALLS + chance_below(0x200); break;
	case 2: in.r[RAX] ^= 1ull << chance_below(64); break;
	default: break;
	}
}

/* -- what comes of it -------------------------------------------------------------------------------- */

static void expect_unchanged(uint32_t but)
{
	for (unsigned int i = 0; i < N_REGISTERS; i++)
		if (!(but >> i & 1) && in.r[i] != out.r[i])
			wrong("register %u was 0x%llx and is 0x%llx", i, (unsigned long long)in.r[i],
			      (unsigned long long)out.r[i]);
}

static int page_of_window(uint64_t address)
{
	const uint64_t offset = address - (uintptr_t)window[0];

	return offset < INTROSPECTION_WINDOW_BYTES ? (int)(offset / PAGE) : -1;
}

static bool is_own_of_any(uint64_t pa)
{
	return pa >= own[0] && pa - own[0] < INTROSPECTION_WINDOW_BYTES;
}

static bool is_known(uint64_t pa)
{
	for (unsigned int i = 0; i < KNOWN; i++)
		if (pa == known_pa[i])
			return true;
	return false;
}

static void judge_map(void)
{
	const uint64_t target = in.r[RSI] & ~(PAGE - 1);
	const int page = page_of_window(in.r[RDI]);
	const bool good = !out.r[RAX], restores = page >= 0 && target == own[page];

	if (good && (page < 0 || (!restores && (target >= RAM || is_own_of_any(target)))))
		wrong("a page is shown that cannot be");
	if (!good && page >= 0 && (restores || is_known(target)))
		wrong(restores ? "a page is not restored" : "a page is not shown");
	if (good)
		shown[page] = target;
}

static void judge_text(void)
{
	const char *text = (const char *)(uintptr_t)in.r[RDI];
	char member[48];

	if (out.r[RAX])
		return;
	if (in.r[RSI] <= LEAST)
		wrong("registers in %llu bytes", (unsigned long long)in.r[RSI]);
	snprintf(member, sizeof(member), "\"R12\":%lld,", (long long)in.r[R12]);
	if (strncmp(text, "{\"CR0\":", 7) || !strstr(text, member))
		wrong("the registers are %.700s", text);
}

static void judge_translation(void)
{
	if (out.r[RAX] ? out.r[RDI] : (out.r[RDI] ^ in.r[RDI]) & (PAGE - 1))
		wrong("the physical address is 0x%llx", (unsigned long long)out.r[RDI]);
}

static void judge_result(uint64_t number)
{
	expect_unchanged(1u << RAX | (number == INTROSPECTION_TRANSLATE ? 1u << RDI : 0));
	if (out.r[RAX] > 1)
		wrong("the result is 0x%llx", (unsigned long long)out.r[RAX]);
	switch (number) {
	case INTROSPECTION_GET_REGISTERS: judge_text(); break;
	case INTROSPECTION_TRANSLATE: judge_translation(); break;
	case INTROSPECTION_MAP: judge_map(); break;
	default:
		if (out.r[RAX] != (number != INTROSPECTION_ACKNOWLEDGE))
			wrong("the result is %llu", (unsigned long long)out.r[RAX]);
	}
}

static void judge_registered(int raised)
{
	const uint64_t number = in.r[RAX] - INTROSPECTION_CALLS;
	const bool buffer = number == INTROSPECTION_GET_REGISTERS || number == INTROSPECTION_SET_REGISTERS;
	const bool sets = number == INTROSPECTION_SET_REGISTERS && may_write;

	if (sets)
		return; /* it asked for whatever became of it */
	if (number > NUMBERS ? raised != SIGILL : raised && (!buffer || raised == SIGILL))
		wrong("signal %d", raised);
	if (!raised)
		judge_result(number);
}

static void judge_outside(int raised)
{
	if (raised != SIGILL)
		wrong("signal %d", raised);
	expect_unchanged(0);
}

/* Each page shows what the calls that were done say, where its contents are known. */
static void look_at_everything(void)
{
	for (unsigned int i = 0; i < WINDOW; i++) {
		uint64_t wanted = shown[i] == own[i] ? i : ~0ull;

		for (unsigned int j = 0; j < KNOWN; j++)
			if (shown[i] == known_pa[j])
				wanted = WINDOW + j;
		if (wanted != ~0ull && *(volatile uint64_t *)&window[i][STAMP] != wanted)
			wrong("page %u shows %llu instead of %llu", i, (unsigned long long)window[i][STAMP],
			      (unsigned long long)wanted);
	}
}

static void restore_everything(void)
{
	for (unsigned int i = 0; i < WINDOW; i++) {
		if (call_plainly(INTROSPECTION_MAP, window[i], own[i], NULL))
			wrong("page %u is not restored", i);
		shown[i] = own[i];
	}
	look_at_everything();
}

/* Linux may have moved them; who moves them now would have to be quick. */
static void find_known(void)
{
	for (unsigned int i = 0; i < KNOWN; i++)
		known_pa[i] = is_inside ? physical_of(&known[i * PAGE / 8]) : chance_below(RAM);
}

static void look_now_and_then(void)
{
	if (!is_inside)
		return;
	look_at_everything();
	if (chance_below(4))
		return;
	restore_everything();
	find_known();
}

static void try_call(void)
{
	int raised;

	draw_call();
	raised = every_register_call(&in, &out);
	if (is_inside)
		judge_registered(raised);
	else
		judge_outside(raised);
	if (call_number % EACH == 0)
		look_now_and_then();
}

static void begin(const char *how)
{
	may_write = !strcmp(how, "write");
	is_inside = may_write || !strcmp(how, "read");
	every_register_begin();
	make_odd_pages();
	make_known();
	if (is_inside)
		make_window();
	find_known();
}

int main(int argc, char **argv)
{
	uint64_t calls;

	if (argc != 4)
		return 2;
	calls = strtoull(argv[1], NULL, 0);
	chance_seed(strtoull(argv[2], NULL, 0));
	begin(argv[3]);
	for (call_number = 1; call_number <= calls; call_number++)
		try_call();
	if (is_inside)
		restore_everything();
	printf("%llu calls\n", (unsigned long long)calls);
	return 0;
}
