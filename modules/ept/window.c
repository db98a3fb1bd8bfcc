/* SPDX-License-Identifier: MIT */
/*
 * When the shared tables have no page left for what the guest touches, its CPU gets a seat: a top level of
 * its own, which has all that the shared one has, and a table or two for a window, which moves to whatever is
 * touched next. There are a few seats for all; a CPU gives its own up when the window is in the way of
 * something else, or at a start, and whoever is no guest any more has none.
 *
 * A CPU remembers tables that it walked through (SDM, "Caching Translation Information"), others' cannot be
 * made to forget from here, and they may not come by for a long time. Tables that no other CPU sees can serve
 * another region as soon as this one has flushed. So memory never runs out, and up to so many CPUs as there
 * are seats nobody waits for anybody. Where there are more, a seat for each would be too much memory for what
 * hardly ever happens: the last one is lent. Its borrower comes back behind one instruction, whatever its
 * guest does, and those who want it too try again until then. A guest may have interrupts off, and locks held
 * that others wait for; so nobody waits for a guest.
 */
#include <stddef.h>
#include <string.h>

#include <plinth/boot.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/shared.h>
#include <plinth/vmcs.h>

#include "internal.h"

#define WINDOW_PAGES (PLINTH_SLAT_SEAT_PAGES - 1)
#define ALL_CONTEXTS 2
#define CLOSED	     (~0ull)
#define NOBODY	     (~0u)
#define STUCK	     16u /* windows in a row that one instruction opens without getting anywhere */

struct seat {
	uint64_t *root;
	uint64_t root_pa;
	uint64_t *page[WINDOW_PAGES];
	uint64_t page_pa[WINDOW_PAGES];
	uint64_t open[WINDOW_PAGES]; /* the first address of what each window shows, or CLOSED */
	uint32_t cpu;		     /* whose it is */
	uint32_t next;		     /* window to move */
	bool stale;		     /* the CPU may remember a window that is closed */
	uint64_t where[WINDOW_WHERE];
	uint32_t tries;
};

static struct seat seats[PLINTH_SLAT_SEATS];
static uint32_t n_seats;
static uint32_t n_kept; /* seats that a CPU keeps; the one behind them, if there is one, is lent */
static uint32_t borrower = NOBODY;
static struct plinth_shared *shared;

/* -- life ------------------------------------------------------------------------------- */

static int seat_init(struct seat *s)
{
	s->cpu = NOBODY;
	for (unsigned int i = 0; i < WINDOW_PAGES; i++) {
		s->page[i] = pages_new(&s->page_pa[i]);
		if (!s->page[i])
			return PLINTH_E_NOMEM;
	}
	s->root = pages_new(&s->root_pa);
	return s->root ? 0 : PLINTH_E_NOMEM;
}

int window_init(uint32_t n_cpus, struct plinth_shared *region)
{
	int err = 0;

	memset(seats, 0, sizeof(seats));
	n_seats = PLINTH_SLAT_SEATS_FOR(n_cpus);
	n_kept = n_cpus > n_seats ? n_seats - 1 : n_seats;
	borrower = NOBODY;
	shared = region;
	for (uint32_t i = 0; i < n_seats && !err; i++)
		err = seat_init(&seats[i]);
	return err;
}

void window_fini(void)
{
	for (uint32_t i = 0; i < n_seats; i++) {
		mem_page_free(seats[i].root);
		for (unsigned int j = 0; j < WINDOW_PAGES; j++)
			mem_page_free(seats[i].page[j]);
	}
	memset(seats, 0, sizeof(seats));
	n_seats = n_kept = 0;
	borrower = NOBODY;
}

/* Nobody, or a CPU that was taken off the VMM without a word: by a stop, a crash, an INIT. */
static bool is_gone(uint32_t cpu)
{
	return cpu == NOBODY ||
	       __atomic_load_n(&plinth_shared_own(shared, cpu)->state, __ATOMIC_ACQUIRE) != PLINTH_CPU_GUEST;
}

static struct seat *seat_of(uint32_t cpu)
{
	for (uint32_t i = 0; i < n_seats; i++)
		if (seats[i].cpu == cpu)
			return &seats[i];
	return NULL;
}

bool window_is_open(uint32_t cpu)
{
	return seat_of(cpu);
}

/* -- the top level -------------------------------------------------------------------------- */

/* The slot of @gpa in a top level: the one that all share, or a seat's. */
static uint64_t *top_slot(uint64_t *root, uint64_t gpa)
{
	return table_slot(root, gpa, table_kind()->levels);
}

static uint64_t shared_entry(uint64_t gpa)
{
	return *top_slot(slat_host()->root, gpa);
}

/* How many tables lie between the top level and a page, the last one included: so many does a window take. */
static unsigned int depth(void)
{
	return table_kind()->levels - table_leaf_level();
}

static unsigned int seat_count(void)
{
	return WINDOW_PAGES / depth();
}

int window_flush(void)
{
	return cpu_invept(ALL_CONTEXTS, 0) ? PLINTH_E_VIRT : 0;
}

void window_forget(uint32_t cpu)
{
	struct seat *s = seat_of(cpu);

	if (s)
		s->cpu = NOBODY;
	if (borrower == cpu)
		borrower = NOBODY;
}

/* What the CPU remembers of its seat counts only with that top level: whoever takes the seat next flushes. */
int window_close(uint32_t cpu)
{
	struct seat *s = seat_of(cpu);

	if (!s)
		return 0;
	if (cpu_vmwrite(VMCS_EPT_POINTER, table_pointer_of(slat_host()->root_pa)))
		return PLINTH_E_VIRT;
	s->cpu = NOBODY;
	return 0;
}

/* Before its first window: all that is there for everybody. */
static void furnish(struct seat *s, uint32_t cpu)
{
	s->cpu = cpu;
	s->next = s->tries = 0;
	s->stale = true;
	for (unsigned int i = 0; i < WINDOW_PAGES; i++)
		s->open[i] = CLOSED;
	memcpy(s->root, slat_host()->root, PAGE_4K);
}

static struct seat *free_seat(uint32_t cpu)
{
	if (borrower == cpu)
		return &seats[n_kept];
	for (uint32_t i = 0; i < n_kept; i++)
		if (is_gone(seats[i].cpu))
			return &seats[i];
	return NULL;
}

static int take_seat(uint32_t cpu, struct seat **out)
{
	struct seat *s = seat_of(cpu);

	*out = s ? s : free_seat(cpu);
	if (s)
		return 0;
	if (!*out)
		return PLINTH_E_NOMEM;
	if (cpu_vmwrite(VMCS_EPT_POINTER, table_pointer_of((*out)->root_pa)))
		return PLINTH_E_VIRT;
	furnish(*out, cpu);
	return 0;
}

int window_borrow(uint32_t cpu)
{
	if (n_kept == n_seats || !seat_count())
		return PLINTH_E_NOMEM;
	if (!is_gone(borrower))
		return PLINTH_E_BUSY;
	borrower = cpu;
	return 0;
}

bool window_borrows(uint32_t cpu)
{
	return borrower == cpu;
}

int window_return(uint32_t cpu)
{
	int err = window_close(cpu);

	if (!err)
		borrower = NOBODY;
	return err;
}

/*
 * The shared tables have it: so has the CPU's own top level, unless a window hangs on the same slot or the
 * slot is new.
 */
int window_follow(uint32_t cpu, uint64_t gpa)
{
	const struct seat *s = seat_of(cpu);

	if (!s || *top_slot(s->root, gpa) == shared_entry(gpa))
		return 0;
	return window_close(cpu);
}

/* -- windows ---------------------------------------------------------------------------------- */

static int move(struct seat *s, unsigned int i)
{
	int err;

	if (s->open[i] != CLOSED) {
		entry_set(top_slot(s->root, s->open[i]), shared_entry(s->open[i]));
		s->open[i] = CLOSED;
		s->stale = true;
	}
	err = s->stale ? window_flush() : 0;
	s->stale = err;
	return err;
}

/* From the last table up: what the shared ones have beside the way there, and what this CPU alone has. */
static void build(struct seat *s, unsigned int i, uint64_t gpa)
{
	unsigned int level = table_leaf_level(), page = i * depth();
	uint64_t begin = table_begin(gpa, level + 1), entry;

	direct_fill(s->page[page], level, begin, true);
	entry = s->page_pa[page] | SLAT_ALL;
	while (++level < table_kind()->levels) {
		const uint64_t *shared = table_at(slat_host(), gpa, level);

		page++;
		if (shared)
			memcpy(s->page[page], shared, PAGE_4K);
		else
			memset(s->page[page], 0, PAGE_4K);
		*table_slot(s->page[page], gpa, level) = entry;
		entry = s->page_pa[page] | SLAT_ALL;
	}
	entry_set(top_slot(s->root, gpa), entry);
	s->open[i] = begin;
}

int window_open(uint32_t cpu, uint64_t gpa)
{
	struct seat *s;
	unsigned int i;
	int err = seat_count() ? take_seat(cpu, &s) : PLINTH_E_NOMEM;

	if (err)
		return err;
	i = s->next;
	err = move(s, i);
	if (err)
		return err;
	build(s, i, gpa);
	s->next = (i + 1) % seat_count();
	return 0;
}

bool window_stuck(uint32_t cpu, const uint64_t *where)
{
	struct seat *s = seat_of(cpu);

	if (!s)
		return false;
	s->tries = memcmp(s->where, where, sizeof(s->where)) ? 0 : s->tries + 1;
	memcpy(s->where, where, sizeof(s->where));
	if (s->tries < STUCK)
		return false;
	s->tries = 0;
	return true;
}
