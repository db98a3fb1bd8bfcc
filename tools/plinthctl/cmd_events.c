/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
/* events: accesses of pages and writes of MSRs as they happen, by the extension events (plinth/events.h). */
#include <inttypes.h>
#include <plinth/events.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "device.h"
#include "event_line.h"
#include "number.h"
#include "options.h"
#include "output.h"
#include "page_address.h"
#include "shared.h"
#include "target.h"
#include "tsc.h"

#define PAGE_BYTES    4096ull
#define POLL_MS	      50u
#define LEASE_SECONDS 5

struct watch {
	uint64_t address;
	uint32_t access;
};

static struct {
	struct watch watch[EVENTS_PAGES];
	uint32_t n;
	uint32_t msr[EVENTS_MSRS];
	uint32_t n_msrs;
	struct plinth_target process; /* its pid is 0: addresses are physical */
	uint64_t count;
	bool json;
} options;

/* -- what is to be watched ---------------------------------------------------------------------- */

static uint32_t parse_access(const char *word)
{
	static const char letters[] = "rwx";
	uint32_t access = 0;

	for (; *word; word++) {
		const char *at = strchr(letters, *word);

		if (!at)
			usage_error("wants letters out of rwx behind the colon");
		access |= 1u << (at - letters);
	}
	return access ? access : EVENTS_WRITE;
}

static void take_page(const char *word, void *to)
{
	struct watch *watch = &options.watch[options.n];
	char address[32];
	size_t length = strcspn(word, ":");

	(void)to;
	if (options.n == EVENTS_PAGES)
		usage_error("at most %u pages can be watched at a time", EVENTS_PAGES);
	if (length >= sizeof(address))
		usage_error("no such address");
	snprintf(address, sizeof(address), "%.*s", (int)length, word);
	if (!number_parse(address, "", UINT64_MAX, &watch->address))
		usage_error("wants an address, e.g. 0x1234000:rw");
	watch->address &= ~(PAGE_BYTES - 1);
	watch->access = parse_access(word[length] ? word + length + 1 : "");
	options.n++;
}

static void take_msr(const char *word, void *to)
{
	uint64_t msr;

	(void)to;
	if (options.n_msrs == EVENTS_MSRS)
		usage_error("at most %u MSRs can be watched at a time", EVENTS_MSRS);
	if (!number_parse(word, "", UINT32_MAX, &msr))
		usage_error("wants the number of an MSR, e.g. 0x1a0");
	options.msr[options.n_msrs++] = (uint32_t)msr;
}

static const struct option_row rows[] = {
	{"watch-page", 'p', "ADDR[:rwx]",
	 "show these accesses (w unless it is said) of the page at this physical address; may be repeated",
	 take_page, NULL, 0},
	{"watch-msr", 'm', "N", "show writes of this MSR; to be set before the start; may be repeated",
	 take_msr, NULL, 0},
	{"pid", 'P', "N", "the addresses are those of this process", option_pid, &options.process, 0},
	{"count", 'n', "N", "end after so many events", option_count, &options.count, 0},
	{"json", 'j', NULL, "one JSON object a line, errors too", option_json, &options.json, 0},
	{0},
};

static void judge_events(void)
{
	if (!options.n && !options.n_msrs)
		usage_error("what is to be watched? --watch-page ADDR, --watch-msr N");
}

/* -- messages --------------------------------------------------------------------------------------- */

static uint64_t session;

static uint64_t lease(void)
{
	return (uint64_t)(tsc_hz() * LEASE_SECONDS);
}

static int send(uint32_t cpu, struct events_message *message, void *answer, size_t room)
{
	struct plinth_ctl_call call = {
		.size = sizeof(call),
		.name = EVENTS_NAME,
		.cpu = cpu,
		.in = (uintptr_t)message,
		.in_bytes = sizeof(*message),
		.out = (uintptr_t)answer,
		.room = room,
	};

	message->session = session;
	return device_call("events", PLINTH_CTL_CALL, &call);
}

/* With page-table isolation each process has two sets of page tables. */
static uint32_t isolation(void)
{
	char text[64] = "";
	FILE *from = fopen("/sys/devices/system/cpu/vulnerabilities/meltdown", "re");

	if (!from)
		return 0;
	if (!fgets(text, sizeof(text), from))
		text[0] = '\0';
	fclose(from);
	return strstr(text, "PTI") ? EVENTS_ISOLATED : 0;
}

/* On the CPU that this runs on, where its own page tables are in use: there it stays from here on. */
static int begin_listening(void)
{
	struct events_message listen = {.op = EVENTS_LISTEN, .flags = isolation(), .lease = lease()};
	struct events_session answer = {0};
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	(void)!sched_setaffinity(0, sizeof(here), &here);
	if (send(PLINTH_CALL_HERE, &listen, &answer, sizeof(answer)))
		return -1;
	session = answer.session;
	return 0;
}

static int watch_pages(void)
{
	for (uint32_t i = 0; i < options.n; i++) {
		struct watch *watch = &options.watch[i];
		struct events_message set = {.op = EVENTS_WATCH_PAGE, .access = watch->access};

		if (options.process.pid &&
		    page_address("events", (int)options.process.pid, watch->address, &watch->address))
			return -1;
		set.address = watch->address;
		if (send(PLINTH_CALL_HERE, &set, NULL, 0))
			return -1;
	}
	return 0;
}

static int watch_msrs(void)
{
	for (uint32_t i = 0; i < options.n_msrs; i++) {
		struct events_message set = {.op = EVENTS_WATCH_MSR, .address = options.msr[i]};

		if (send(PLINTH_CALL_HERE, &set, NULL, 0))
			return -1;
	}
	return 0;
}

static int set_watches(void)
{
	int err = watch_msrs();

	if (!err)
		err = watch_pages();
	if (!err)
		note_line("watching %u page(s), %u MSR(s)", options.n, options.n_msrs);
	return err;
}

/* -- what happened ---------------------------------------------------------------------------------- */

static int compare_events(const void *left, const void *right)
{
	const struct events_record *a = left, *b = right;

	return (a->tsc > b->tsc) - (a->tsc < b->tsc);
}

/* What was gathered of all CPUs at once. */
struct gathered {
	struct events_record *record;
	size_t n;
	uint64_t lost;
	uint32_t ended;
};

static int gather(uint32_t cpu, struct gathered *all)
{
	static struct events_answer answer;
	struct events_message poll = {.op = EVENTS_POLL, .lease = lease()};

	if (send(cpu, &poll, &answer, sizeof(answer)))
		return -1;
	memcpy(all->record + all->n, answer.record, answer.n * sizeof(answer.record[0]));
	all->n += answer.n;
	all->lost += answer.lost;
	all->ended = answer.ended;
	return 0;
}

static bool is_guest_on(struct plinth_shared *shared, uint32_t cpu)
{
	return plinth_shared_cpu(shared, cpu)->state == PLINTH_CPU_GUEST;
}

/* Before the start there are no guests, and nothing happens; the listener is heard of all the same. */
static int gather_guests(struct plinth_shared *shared, struct gathered *all)
{
	uint32_t guests = 0;
	int err = 0;

	for (uint32_t cpu = 0; cpu < shared->n_cpus && !err; cpu++)
		if (is_guest_on(shared, cpu)) {
			guests++;
			err = gather(cpu, all);
		}
	return guests || err ? err : gather(PLINTH_CALL_HERE, all);
}

static int gather_all(struct gathered *all)
{
	struct plinth_shared *shared = shared_get("events");
	int err = shared ? gather_guests(shared, all) : -1;

	free(shared);
	return err;
}

/* Return: how many are still wanted. */
static uint64_t print_events(struct gathered *all, uint64_t wanted)
{
	qsort(all->record, all->n, sizeof(all->record[0]), compare_events);
	for (size_t i = 0; i < all->n && wanted; i++, wanted--)
		options.json ? print_event_json(&all->record[i]) : print_event(&all->record[i]);
	fflush(stdout);
	return wanted;
}

/* -- until it is enough --------------------------------------------------------------------------- */

static volatile sig_atomic_t is_enough;

static void on_enough(int number)
{
	(void)number;
	is_enough = 1;
}

static void end_on_signals(void)
{
	const struct sigaction action = {.sa_handler = on_enough};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

static int show_events(struct gathered *all)
{
	uint64_t wanted = options.count ? options.count : UINT64_MAX, lost = 0;

	while (wanted && !is_enough) {
		all->n = 0;
		all->lost = 0;
		if (gather_all(all))
			return EXIT_FAILED;
		wanted = print_events(all, wanted);
		if (all->lost > lost)
			note_line("note: %" PRIu64 " events more than could be kept: they are lost",
				  all->lost - lost);
		lost = all->lost;
		if (options.n && all->ended == options.n) {
			error_line("events: nothing is watched any more: a CPU could not pass by, as the "
				   "log says");
			return EXIT_FAILED;
		}
		if (wanted && output_wait(POLL_MS))
			break;
	}
	return EXIT_OK;
}

/* Whatever becomes of it, nothing stays watched. */
static int listen_and_show(struct gathered *all)
{
	struct events_message end = {.op = EVENTS_END};
	int status = EXIT_FAILED;

	if (begin_listening())
		return EXIT_FAILED;
	if (!set_watches())
		status = show_events(all);
	return send(PLINTH_CALL_HERE, &end, NULL, 0) ? EXIT_FAILED : status;
}

int cmd_events(int argc, char **argv)
{
	const struct option_table table = {
		.about =
			"Show accesses of pages as they happen, until it is interrupted: time stamp counter, "
			"CPU, access, physical address, the eight bytes there before and after it, the "
			"process by CR3, RIP. Needs the extension events: load --add events.",
		.rows = rows,
		.judge = judge_events,
	};
	struct plinth_shared *shared;
	struct gathered all = {0};
	int status = EXIT_FAILED;

	options_take(argc, argv, &table);
	shared = shared_get("events");
	if (!shared)
		return EXIT_FAILED;
	all.record = calloc((size_t)(shared->n_cpus + 1) * EVENTS_AT_ONCE, sizeof(*all.record));
	free(shared);
	end_on_signals();
	if (all.record)
		status = listen_and_show(&all);
	else
		error_line("events: out of memory");
	free(all.record);
	return status;
}
