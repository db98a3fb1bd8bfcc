/* SPDX-License-Identifier: MIT */
/* stat --watch: exits a second by kind and CPU, and what root mode takes, like top. */
#include "watch.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "exit_names.h"
#include "shared.h"
#include "tsc.h"

#define MAX_COLUMNS 8u /* CPUs that fit on a line; the sum is of all */

struct screen {
	struct plinth_shared *old, *new;
	double seconds; /* between the two */
	uint32_t columns;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double exit_rate(const struct screen *screen, uint32_t cpu, unsigned int kind)
{
	const struct plinth_shared_cpu *old = plinth_shared_cpu(screen->old, cpu);
	const struct plinth_shared_cpu *new = plinth_shared_cpu(screen->new, cpu);

	return (double)(new->exits[kind] - old->exits[kind]) / screen->seconds;
}

static void print_head(const struct screen *screen)
{
	printf("%-16s %10s", "exits a second", "all");
	for (uint32_t cpu = 0; cpu < screen->columns; cpu++)
		printf(" %6s%-3u", "cpu ", cpu);
	putchar('\n');
}

static void print_kind(const struct screen *screen, unsigned int kind)
{
	double sum = 0;

	for (uint32_t cpu = 0; cpu < screen->new->n_cpus; cpu++)
		sum += exit_rate(screen, cpu, kind);
	if (sum <= 0)
		return;
	printf("%-16s %10.0f", exit_kind_name(kind), sum);
	for (uint32_t cpu = 0; cpu < screen->columns; cpu++)
		printf(" %9.0f", exit_rate(screen, cpu, kind));
	putchar('\n');
}

/* Known while exit_tracer is loaded: nobody else reads the clock twice an exit. */
static void print_root_share(const struct screen *screen)
{
	bool traced = false;

	for (uint32_t cpu = 0; cpu < screen->new->n_cpus; cpu++)
		traced = traced || plinth_shared_cpu(screen->new, cpu)->trace_ticks;
	if (!traced) {
		puts("in handlers      (load with --add exit_tracer to see)");
		return;
	}
	printf("%-27s", "in handlers, % of the time");
	for (uint32_t cpu = 0; cpu < screen->columns; cpu++) {
		uint64_t ticks = plinth_shared_cpu(screen->new, cpu)->trace_ticks -
				 plinth_shared_cpu(screen->old, cpu)->trace_ticks;

		printf(" %9.3f", 100.0 * (double)ticks / (screen->seconds * tsc_hz()));
	}
	putchar('\n');
}

static void print_screen(const struct screen *screen)
{
	const struct plinth_shared *s = screen->new;

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	print_head(screen);
	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		print_kind(screen, kind);
	print_root_share(screen);
	printf("heap %" PRIu64 " of %" PRIu64 " KiB, pool %" PRIu64 " of %" PRIu64 " pages\n", s->heap_used / 1024,
	       s->heap_bytes / 1024, s->pool_used, s->pool_pages);
	fflush(stdout);
}

int watch(double seconds, unsigned long count)
{
	struct screen screen = {.old = shared_get("stat")};
	double before = now();

	for (unsigned long i = 0; screen.old && (!count || i < count); i++) {
		usleep((useconds_t)(seconds * 1e6));
		screen.new = shared_get("stat");
		if (!screen.new || screen.new->n_cpus != screen.old->n_cpus)
			break;
		screen.columns = screen.new->n_cpus < MAX_COLUMNS ? screen.new->n_cpus : MAX_COLUMNS;
		screen.seconds = now() - before;
		before = now();
		print_screen(&screen);
		free(screen.old);
		screen.old = screen.new;
	}
	if (!screen.old || !screen.new)
		return EXIT_FAILED;
	free(screen.old);
	return EXIT_OK;
}
