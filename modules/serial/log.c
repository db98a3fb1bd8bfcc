/* SPDX-License-Identifier: MIT */
/*
 * The log: a ring per CPU in the shared region, and every line once more on the UART.
 *
 * Only the CPU itself writes its ring. An exception that logs while a line is being
 * written takes the next record, so both lines survive.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <format.h>
#include <plinth/intrinsics.h>

#include "internal.h"

#define LOG_TAG "serial"

static struct plinth_shared *log_shared; /* NULL: lines are dropped */
static uint32_t n_cpus;
static const struct plinth_tuning *tuning_page; /* may change at any time, to anything */

/* Serialises CPUs on the UART; a line is never held back longer than LOCK_SPINS. */
static atomic_flag uart_lock = ATOMIC_FLAG_INIT;
#define LOCK_SPINS 1000000u

static bool uart_try_lock(void)
{
	for (uint32_t spins = 0; spins < LOCK_SPINS; spins++) {
		if (!atomic_flag_test_and_set_explicit(&uart_lock, memory_order_acquire))
			return true;
		cpu_pause();
	}
	return false;
}

static void to_uart(const struct plinth_log_record *record, uint32_t cpu)
{
	static const char level_letters[] = "EWID";
	char line[PLINTH_LOG_TEXT + 48];
	int length = plinth_snprintf(line, sizeof(line), "plinth %c cpu%u %llu %.6s: %s\r\n",
				     level_letters[record->level & 3], cpu, (unsigned long long)record->tsc,
				     record->tag, record->text);
	bool locked = uart_try_lock();

	if (length > (int)sizeof(line) - 1)
		length = sizeof(line) - 1;
	serial_write(line, (uint32_t)length);
	if (locked)
		atomic_flag_clear_explicit(&uart_lock, memory_order_release);
}

/* Into the next record of this CPU's ring, which is marked as being written meanwhile. */
static void put_record(struct plinth_shared_cpu *ring, const struct plinth_log_record *line)
{
	uint64_t sequence = __atomic_add_fetch(&ring->log_head, 1, __ATOMIC_RELAXED);
	struct plinth_log_record *record = &ring->log[(sequence - 1) % PLINTH_LOG_RECORDS];

	__atomic_store_n(&record->sequence, 0, __ATOMIC_RELAXED);
	plinth_words_store(&record->tsc, &line->tsc, sizeof(*line) / 8 - 1);
	__atomic_store_n(&record->sequence, sequence, __ATOMIC_RELEASE);
}

static void fill(struct plinth_log_record *record, enum plinth_log_level level, const char *tag,
		 const char *format, va_list args)
{
	size_t tag_bytes = strnlen(tag, sizeof(record->tag));
	int length;

	record->tsc = cpu_rdtsc();
	record->level = (uint8_t)level;
	memcpy(record->tag, tag, tag_bytes);
	length = plinth_vsnprintf(record->text, sizeof(record->text), format, args);
	record->truncated = length < 0 || length >= (int)sizeof(record->text);
}

/* Does the component's level, or that of all, let the line through? */
static bool wanted(enum plinth_log_level level, const char *tag)
{
	uint32_t limit = __atomic_load_n(&tuning_page->log_level, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < PLINTH_LOG_RULES; i++) {
		struct plinth_log_rule rule;

		plinth_words_load(&rule, &tuning_page->rules[i], 1);
		if (rule.used && !strncmp(rule.tag, tag, sizeof(rule.tag)))
			limit = rule.level;
	}
	return (uint32_t)level <= limit;
}

static void write_line(uint32_t cpu, enum plinth_log_level level, const char *tag, const char *format,
		       va_list args)
{
	/* Every byte of it becomes readable. */
	struct plinth_log_record line = {0};

	fill(&line, level, tag, format, args);
	put_record(plinth_shared_own(log_shared, cpu), &line);
	to_uart(&line, cpu);
}

static void write_loss(uint32_t cpu, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(cpu, PLINTH_LOG_WARN, LOG_TAG, format, args);
	va_end(args);
}

/* The first line after a flood is told how much of it is missing. */
static void tell_loss(struct plinth_shared_cpu *ring, uint32_t cpu)
{
	uint64_t missing = rate_limit_missing(ring);

	if (missing)
		write_loss(cpu, "%llu lines of this CPU dropped by the rate limit",
			   (unsigned long long)missing);
}

void log_emit(enum plinth_log_level level, const char *tag, const char *format, ...)
{
	struct plinth_shared *shared = log_shared;
	struct plinth_shared_cpu *ring;
	uint32_t cpu;
	va_list args;

	if (!shared || !wanted(level, tag))
		return;
	cpu = cpu_local()->cpu;
	if (cpu >= n_cpus)
		return;
	ring = plinth_shared_own(shared, cpu);
	if (!rate_limit_admits(ring, level))
		return;
	tell_loss(ring, cpu);
	va_start(args, format);
	write_line(cpu, level, tag, format, args);
	va_end(args);
}

int log_init(const struct plinth_boot *boot)
{
	struct plinth_shared *shared = (struct plinth_shared *)boot->shared_va;

	if (!shared || shared->magic != PLINTH_SHARED_MAGIC || shared->version != PLINTH_SHARED_VERSION ||
	    shared->cpu_offset != sizeof(*shared) || shared->cpu_stride != sizeof(struct plinth_shared_cpu) ||
	    !boot->tuning_va)
		return PLINTH_E_INVAL;
	n_cpus = boot->n_cpus;
	tuning_page = (const struct plinth_tuning *)boot->tuning_va;
	log_shared = shared;
	if (uart_init(&boot->uart))
		LOG_WARN("no UART answers at port 0x%x; the log goes to memory only", boot->uart.io_base);
	return 0;
}

void log_fini(void)
{
	uart_fini();
	log_shared = NULL;
	tuning_page = NULL;
}

const struct plinth_tuning *log_tuning(void)
{
	return tuning_page;
}
