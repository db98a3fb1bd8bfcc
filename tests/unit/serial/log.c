/* SPDX-License-Identifier: MIT */
/* The log's levels and its rate limit, on a clock of our own. */
#include <criterion/criterion.h>
#include <string.h>

#include <plinth/intrinsics.h>
#include <plinth/serial.h>
#include <plinth/shared.h>

#include "modules/serial/uart.h"

#define PERIOD (1ull << 21) /* as in modules/serial/log.c */
#define BURST  192u

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

void cpu_pause(void)
{
}

int uart_init(const struct plinth_boot_uart *uart)
{
	(void)uart;
	return 0;
}

void uart_fini(void)
{
}

uint32_t serial_write(const char *bytes, uint32_t count)
{
	(void)bytes;
	return count;
}

static void up(void)
{
	struct plinth_boot boot = {.shared_va = (uintptr_t)&region, .tuning_va = (uintptr_t)&tuning};

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
