/* SPDX-License-Identifier: MIT */
#include "fake.h"

#include <string.h>

#include <plinth/vcpu.h>

#define FIRST_PA 0x40000000ull

static _Alignas(4096) uint64_t pages[PAGES][512];
static bool taken[PAGES];
unsigned int left;   /* pages that may be taken */
bool untranslatable; /* mem_virt_to_phys() fails */
bool no_write;
unsigned int flushes;
bool no_flush; /* INVEPT fails */

void *mem_page_alloc(void)
{
	for (unsigned int i = 0; left && i < PAGES; i++)
		if (!taken[i]) {
			left--;
			taken[i] = true;
			return memset(pages[i], 0, sizeof(pages[i]));
		}
	return NULL;
}

void mem_page_free(void *page)
{
	uint64_t i = (uint64_t)((uint64_t(*)[512])page - pages);

	if (!page)
		return;
	cr_assert_lt(i, PAGES);
	cr_assert(taken[i], "freed twice");
	taken[i] = false;
	left++;
}

int mem_virt_to_phys(const void *va, uint64_t *pa)
{
	if (untranslatable)
		return PLINTH_E_FAULT;
	*pa = FIRST_PA + ((uint64_t)va - (uint64_t)pages);
	return 0;
}

void *mem_phys_to_virt(uint64_t pa)
{
	cr_assert_lt(pa - FIRST_PA, sizeof(pages), "0x%llx is no table", (unsigned long long)pa);
	return (char *)pages + (pa - FIRST_PA);
}

void cpu_pause(void)
{
	cr_assert_fail("nobody else holds the lock");
}

uint64_t eptp; /* of CPU 0, the only one that opens windows */

int cpu_vmwrite(uint32_t field, uint64_t value)
{
	cr_expect_eq(field, 0x201a);
	eptp = value;
	return no_write ? CPU_VMX_FAIL_VALID : 0;
}

int cpu_invept(uint64_t type, uint64_t eptp)
{
	cr_expect_eq(type, 2);
	cr_expect_eq(eptp, 0);
	flushes++;
	return no_flush ? CPU_VMX_FAIL_VALID : 0;
}

enum memory_type usual = TYPE_WB, odd = TYPE_UC;
uint64_t hole = HOLE;

enum memory_type mtrr_type(uint64_t pa, uint64_t bytes)
{
	cr_assert_eq(pa & (bytes - 1), 0);
	if (odd != usual && hole >= pa && hole < pa + bytes)
		return bytes > PAGE_4K ? TYPE_MIXED : odd;
	return usual;
}

unsigned int in_use(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < PAGES; i++)
		n += taken[i];
	return n;
}

struct table_kind kind;

static struct {
	struct plinth_shared head;
	struct plinth_shared_cpu cpu[MOST_CPUS];
} shared;

void be(uint32_t cpu, enum plinth_cpu_state state)
{
	shared.cpu[cpu].state = state;
}

static struct slat_space host;

bool no_host;

struct slat_space *slat_host(void)
{
	return no_host ? NULL : &host;
}

/* Who asks for a flush has it at once, or when flush_waits is over. */
static uint64_t asked;
bool flush_waits, flush_fails;

uint64_t vcpu_flush(void)
{
	return flush_fails ? 0 : ++asked;
}

bool vcpu_flushed(uint64_t ticket)
{
	return !flush_waits && ticket <= asked;
}

void *mem_alloc(size_t bytes, size_t align)
{
	cr_assert_leq(bytes + align, 4096u);
	return mem_page_alloc();
}

void mem_free(void *p)
{
	mem_page_free(p);
}

int up(unsigned int spare, unsigned int cpus)
{
	int err;

	table_init(&kind);
	err = spaces_add(&host, true, spare);

	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		be(cpu, PLINTH_CPU_GUEST);
	return err ? err : window_init(cpus, &shared.head);
}

void down(void)
{
	window_fini();
	spaces_remove(&host);
	cr_expect_eq(in_use(), 0);
}

void clean(bool large_1g, unsigned int bits)
{
	memset(taken, 0, sizeof(taken));
	left = PAGES;
	untranslatable = no_write = no_flush = false;
	eptp = 0;
	flush_waits = flush_fails = no_host = false;
	flushes = 0;
	usual = TYPE_WB;
	odd = TYPE_UC;
	hole = HOLE;
	kind = (struct table_kind){.large_1g = large_1g, .levels = bits > 48 ? 5 : 4, .reach = 1ull << bits};
}

/* Two CPUs. */
void fresh(bool large_1g, unsigned int bits, unsigned int spare)
{
	clean(large_1g, bits);
	cr_assert_eq(up(spare, 2), 0);
}

/* What a CPU would find: the last entry on the way, and at which level. */
uint64_t walk_from(uint64_t root, uint64_t gpa, unsigned int *level)
{
	uint64_t entry = root;

	for (*level = kind.levels + 1u; *level > 1;) {
		const uint64_t *t = mem_phys_to_virt(entry & ADDRESS_BITS);

		--*level;
		entry = t[gpa >> table_shift(*level) & 511];
		if (!(entry & ALL) || (*level > 1 && *level < 4 && entry & LARGE))
			break;
	}
	return entry;
}

/* In the shared tables. */
uint64_t walk(uint64_t gpa, unsigned int *level)
{
	uint64_t root = 0;

	cr_assert_eq(mem_virt_to_phys(table_at(slat_host(), 0, kind.levels), &root), 0);
	return walk_from(root, gpa, level);
}

void expect(uint64_t gpa, unsigned int level, uint64_t entry)
{
	unsigned int found;
	uint64_t got = walk(gpa, &found);

	cr_expect_eq(found, level, "0x%llx: level %u instead of %u", (unsigned long long)gpa, found, level);
	cr_expect_eq(got, entry, "0x%llx: 0x%llx instead of 0x%llx", (unsigned long long)gpa,
		     (unsigned long long)got, (unsigned long long)entry);
}

/* One to one, through a CPU's own top level. */
bool sees(uint32_t cpu, uint64_t gpa)
{
	unsigned int level;
	uint64_t entry = walk_from(cpu || !eptp ? table_pointer_of(slat_host()->root_pa) : eptp, gpa, &level),
		 within = (1ull << table_shift(level)) - 1;

	if (!(entry & ALL))
		return false;
	cr_expect_eq(entry & ADDRESS_BITS & ~within, gpa & ~within, "CPU %u: 0x%llx leads to 0x%llx", cpu,
		     (unsigned long long)gpa, (unsigned long long)entry);
	return true;
}
