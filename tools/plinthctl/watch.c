/* SPDX-License-Identifier: MIT */
/* stat --watch: exits a second by kind and CPU, and what root mode takes, like top. */
#include "watch.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "commands.h"
#include "error_line.h"
#include "lib/exit_kind.h"
#include "output.h"
#include "root_cost.h"
#include "shared.h"
#include "tsc.h"

#define MAX_COLUMNS 8u /* CPUs that fit on a line; the sum is of all */

struct screen {
	struct plinth_shared *old, *new;
	double seconds;	    /* between the two */
	uint32_t root_cost; /* ticks of the shortest exit */
	uint32_t columns;
	bool unread; /* nobody reads what is printed any more */
};

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

static double exits_of_cpu(const struct screen *screen, uint32_t cpu)
{
	double sum = 0;

	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		sum += exit_rate(screen, cpu, kind);
	return sum;
}

/* What the exits take at the least: nobody takes the time of each, see root_cost(). */
static double root_percent(const struct screen *screen, uint32_t cpu)
{
	return 100.0 * exits_of_cpu(screen, cpu) * screen->root_cost / tsc_hz();
}

/* What exit_tracer measured: nobody else reads the clock twice an exit. */
static double handler_percent(const struct screen *screen, uint32_t cpu)
{
	uint64_t ticks = plinth_shared_cpu(screen->new, cpu)->trace_ticks -
			 plinth_shared_cpu(screen->old, cpu)->trace_ticks;

	return 100.0 * (double)ticks / (screen->seconds * tsc_hz());
}

static bool is_traced(const struct screen *screen)
{
	for (uint32_t cpu = 0; cpu < screen->new->n_cpus; cpu++)
		if (plinth_shared_cpu(screen->new, cpu)->trace_ticks)
			return true;
	return false;
}

static void print_percent(const struct screen *screen, const char *what,
			  double (*percent)(const struct screen *screen, uint32_t cpu))
{
	printf("%-27s", what);
	for (uint32_t cpu = 0; cpu < screen->columns; cpu++)
		printf(" %9.3f", percent(screen, cpu));
	putchar('\n');
}

static void print_root_share(const struct screen *screen)
{
	print_percent(screen, "in the VMM, % at least", root_percent);
	if (is_traced(screen))
		print_percent(screen, "in handlers, % of the time", handler_percent);
	else
		puts("in handlers                 (measured with load --add exit_tracer)");
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
	printf("heap %" PRIu64 " of %" PRIu64 " KiB, pool %" PRIu64 " of %" PRIu64 " pages\n",
	       s->heap_used / 1024, s->heap_bytes / 1024, s->pool_used, s->pool_pages);
	fflush(stdout);
}

static struct json_object *rates_json(const struct screen *screen, uint32_t cpu)
{
	struct json_object *item = json_object_new_object(), *exits = json_object_new_object();

	for (unsigned int kind = 0; kind < PLINTH_EXIT_KINDS; kind++)
		json_object_object_add(exits, exit_kind_name(kind),
				       json_object_new_double(exit_rate(screen, cpu, kind)));
	json_add_number(item, "cpu", cpu);
	json_object_object_add(item, "exits_per_second", exits);
	json_object_object_add(item, "root_percent_min", json_object_new_double(root_percent(screen, cpu)));
	if (is_traced(screen))
		json_object_object_add(item, "handler_percent",
				       json_object_new_double(handler_percent(screen, cpu)));
	return item;
}

static void print_screen_json(const struct screen *screen)
{
	const struct plinth_shared *s = screen->new;
	struct json_object *document = json_object_new_object(), *cpus = json_object_new_array();

	for (uint32_t cpu = 0; cpu < s->n_cpus; cpu++)
		json_object_array_add(cpus, rates_json(screen, cpu));
	json_object_object_add(document, "seconds", json_object_new_double(screen->seconds));
	json_add_number(document, "exit_ticks_min", screen->root_cost);
	json_object_object_add(document, "cpus", cpus);
	json_add_number(document, "heap_used", s->heap_used);
	json_add_number(document, "pool_used", s->pool_used);
	write_json_line(stdout, document);
	fflush(stdout);
}

/* The next screen's counters; false when there is nothing to compare with. */
static bool advance(struct screen *screen, double seconds)
{
	double before = clock_seconds();

	screen->unread = output_wait((unsigned int)(seconds * 1e3));
	if (screen->unread)
		return false;
	screen->new = shared_get("stat");
	screen->seconds = clock_seconds() - before;
	if (screen->new && screen->new->n_cpus == screen->old->n_cpus)
		return true;
	if (screen->new)
		error_line("stat: the modules were loaded again with another number of CPUs");
	free(screen->new);
	screen->new = NULL;
	return false;
}

int watch(double seconds, uint64_t count, bool json)
{
	struct screen screen = {.old = shared_get("stat"), .root_cost = root_cost()};
	bool good = screen.old;

	for (uint64_t i = 0; good && (!count || i < count); i++) {
		good = advance(&screen, seconds);
		if (!good)
			break;
		screen.columns = screen.new->n_cpus < MAX_COLUMNS ? screen.new->n_cpus : MAX_COLUMNS;
		if (json)
			print_screen_json(&screen);
		else
			print_screen(&screen);
		free(screen.old);
		screen.old = screen.new;
	}
	free(screen.old);
	return good || screen.unread ? EXIT_OK : EXIT_FAILED;
}
