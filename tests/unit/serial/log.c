/* SPDX-License-Identifier: MIT */
/* The log's levels and its rate limit, on a clock of our own. */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/serial.h>
#include <plinth/shared.h>

#include "modules/serial/internal.h"

#define PERIOD (1ull << 21) /* as in modules/serial/rate_limit.c */
#define BURST  128u

static struct {
	struct plinth_shared head;
	struct plinth_shared_cpu cpu;
} region;
static struct plinth_tuning tuning;
static struct cpu_local local;
static uint64_t clock_ticks;

struct cpu_local *cpu_local(void)
{
	return &local;
}

uint64_t cpu_rdtsc(void)
{
	return clock_ticks;
}

static uint64_t pauses;

void cpu_pause(void)
{
	pauses++;
}

static int uart_error;

int uart_init(const struct plinth_boot_uart *uart)
{
	(void)uart;
	return uart_error;
}

void uart_fini(void)
{
}

static char sent[512]; /* to the UART, last */
static bool log_while_sending;

uint32_t serial_write(const char *bytes, uint32_t count)
{
	cr_assert_lt(count, sizeof(sent));
	memcpy(sent, bytes, count);
	sent[count] = '\0';
	if (log_while_sending) {
		log_while_sending = false;
		log_emit(PLINTH_LOG_ERR, "nmi", "in the middle");
	}
	return count;
}

static struct plinth_boot boot;

static void regions(void)
{
	boot = (struct plinth_boot){
		.n_cpus = 1, .shared_va = (uintptr_t)&region, .tuning_va = (uintptr_t)&tuning};
	memset(&region, 0, sizeof(region));
	memset(&tuning, 0, sizeof(tuning));
	region.head = (struct plinth_shared){
		.magic = PLINTH_SHARED_MAGIC,
		.version = PLINTH_SHARED_VERSION,
		.n_cpus = 1,
		.cpu_offset = offsetof(typeof(region), cpu),
		.cpu_stride = sizeof(struct plinth_shared_cpu),
	};
	tuning.log_level = PLINTH_LOG_INFO;
	clock_ticks = 1ull << 40;
}

static void up(void)
{
	regions();
	cr_assert_eq(log_init(&boot), 0);
}

static void flood(unsigned int lines, enum plinth_log_level level)
{
	for (unsigned int i = 0; i < lines; i++)
		log_emit(level, "test", "line %u", i);
}

Test(serial_log, levels, .init = up)
{
	flood(1, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_head, 1);
	flood(1, PLINTH_LOG_DEBUG);
	cr_expect_eq(region.cpu.log_head, 1, "above the level");
	memcpy(tuning.rules[3].tag, "test", 4);
	tuning.rules[3].level = PLINTH_LOG_DEBUG;
	tuning.rules[3].used = 1;
	flood(1, PLINTH_LOG_DEBUG);
	cr_expect_eq(region.cpu.log_head, 2, "a level of its own");
	tuning.rules[3].level = PLINTH_LOG_ERR;
	flood(1, PLINTH_LOG_WARN);
	cr_expect_eq(region.cpu.log_head, 2, "lower than that of all");
	tuning.rules[3].used = 0;
	flood(1, PLINTH_LOG_WARN);
	cr_expect_eq(region.cpu.log_head, 3);
}

Test(serial_log, a_hostile_tuning_page_decides_about_lines_only, .init = up)
{
	memset(&tuning, 0xff, sizeof(tuning));
	flood(3, PLINTH_LOG_DEBUG);
	cr_expect_eq(region.cpu.log_head, 3);
}

Test(serial_log, a_flood_is_cut_and_counted, .init = up)
{
	flood(BURST + 100, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_head, BURST);
	cr_expect_eq(region.cpu.log_lost, 100);
	flood(2, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, BURST + 3, "errors pass, and the loss is told once");
	cr_expect_str_eq(region.cpu.log[BURST % PLINTH_LOG_RECORDS].text,
			 "100 lines of this CPU dropped by the rate limit");
	clock_ticks += PERIOD;
	flood(2, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_head, BURST + 4, "one line a period");
	cr_expect_eq(region.cpu.log_lost, 101);
	clock_ticks += PERIOD * 1000;
	flood(BURST + 1, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_lost, 102, "no more than a burst is saved up");
}

/*
 * An exception that logs while the line is on its way finds the UART taken: it waits a while, and both lines
 * survive.
 */
Test(serial_log, a_line_in_the_middle_of_a_line, .init = up)
{
	log_while_sending = true;
	log_emit(PLINTH_LOG_ERR, "first", "a line");
	cr_expect_gt(pauses, 1000);
	cr_expect_eq(region.cpu.log_head, 2);
	cr_expect_str_eq(region.cpu.log[0].text, "a line");
	cr_expect_eq(region.cpu.log[0].sequence, 1);
	cr_expect_str_eq(region.cpu.log[1].text, "in the middle");
	cr_expect_eq(region.cpu.log[1].sequence, 2);
	pauses = 0;
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(pauses, 0, "the UART is free again");
}

Test(serial_log, a_line_for_the_uart, .init = up)
{
	char long_text[300];

	log_emit(PLINTH_LOG_WARN, "component", "%d", 42);
	cr_expect_str_eq(sent, "plinth W cpu0 1099511627776 compon: 42\r\n");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	clock_ticks = ~0ull;
	local.cpu = 0;
	log_emit(PLINTH_LOG_ERR, "t", "%s", long_text);
	cr_expect_eq(region.cpu.log[1].truncated, 1);
	cr_expect_eq(strlen(region.cpu.log[1].text), PLINTH_LOG_TEXT - 1);
	cr_expect_eq(strchr(sent, '\n'), sent + strlen(sent) - 1, "one line, whatever its length");
}

/* Half of a burst was used; what comes back is never more than the whole. */
Test(serial_log, credit_comes_back, .init = up)
{
	flood(BURST / 2, PLINTH_LOG_INFO);
	clock_ticks += PERIOD * 10;
	flood(BURST / 2 + 10, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_lost, 0);
	flood(1, PLINTH_LOG_INFO);
	cr_expect_eq(region.cpu.log_lost, 1);
}

Test(serial_log, a_cpu_that_does_not_exist, .init = up)
{
	local.cpu = 1;
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 0);
}

Test(serial_log, regions_it_does_not_know, .init = regions)
{
	cr_expect_eq(log_init(&(struct plinth_boot){.tuning_va = 1}), PLINTH_E_INVAL);
	cr_expect_eq(log_init(&(struct plinth_boot){.shared_va = (uintptr_t)&region}), PLINTH_E_INVAL);
	region.head.magic++;
	cr_expect_eq(log_init(&boot), PLINTH_E_INVAL);
	regions();
	region.head.version++;
	cr_expect_eq(log_init(&boot), PLINTH_E_INVAL);
	regions();
	region.head.cpu_stride--;
	cr_expect_eq(log_init(&boot), PLINTH_E_INVAL);
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 0, "lines are dropped");
}

Test(serial_log, without_a_uart_there_is_still_the_ring, .init = regions)
{
	uart_error = PLINTH_E_NOTSUP;
	boot.uart.io_base = 0x2f8;
	cr_assert_eq(log_init(&boot), 0);
	cr_expect_str_eq(region.cpu.log[0].text,
			 "no UART answers at port 0x2f8; the log goes to memory only");
	log_fini();
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 1);
}

/* Extensions look at the same page, as long as there is one. */
Test(serial_log, the_tuning_page_for_others, .init = up)
{
	cr_expect_eq(log_tuning(), &tuning);
	log_fini();
	cr_expect_null(log_tuning());
}

/*
 * Lines go where the region was laid out at the load, whatever stands in it now: a guest's kernel may have
 * written it.
 */
Test(serial_log, the_region_is_not_asked_where_to_write, .init = up)
{
	const struct plinth_shared hostile = {
		.n_cpus = ~0u, .cpu_offset = 0xfffffff0, .cpu_stride = 0xffffffff};

	region.head = hostile;
	flood(3, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 3);
	region.head.n_cpus = 0;
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 4);
	local.cpu = 1;
	flood(1, PLINTH_LOG_ERR);
	cr_expect_eq(region.cpu.log_head, 4, "a CPU that the load did not know");
	local.cpu = 0;
}

Test(serial_log, another_layout_is_refused, .init = regions)
{
	region.head.cpu_stride += 64;
	cr_expect_eq(log_init(&boot), PLINTH_E_INVAL);
	region.head.cpu_stride -= 64;
	region.head.cpu_offset += 64;
	cr_expect_eq(log_init(&boot), PLINTH_E_INVAL);
	region.head.cpu_offset -= 64;
	cr_expect_eq(log_init(&boot), 0);
}
