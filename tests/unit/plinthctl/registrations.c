/* SPDX-License-Identifier: MIT */
/* What modules have registered, in words: whose it is, and who acts in which order. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <json-c/json.h>
#include <string.h>

#include <plinth/shared.h>

#include "device.h"
#include "registrations.h"

enum { BASE, FIRST, SECOND, MODULES };

static const struct plinth_ctl_module modules[MODULES] = {
	[BASE] = {.name = "base", .base_va = 0x3000, .bytes = 0x1000},
	[FIRST] = {.name = "first", .base_va = 0x1000, .bytes = 0x1000},
	[SECOND] = {.name = "second", .base_va = 0x2000, .bytes = 0x1000},
};

#define BY_FIRST  0x1000
#define BY_SECOND 0x2fff

static struct registrations all;

static void add(uint32_t sort, uint32_t what, uint64_t first, uint64_t last, uint64_t handler)
{
	all.modules = modules;
	all.n_modules = MODULES;
	all.rows[all.n++] = (struct plinth_ctl_registration){
		.sort = sort, .what = what, .handler = handler, .range = {first, last}};
}

static void add_leaves(uint32_t first, uint32_t last, uint32_t first_subleaf, uint32_t last_subleaf,
		       uint64_t handler)
{
	add(PLINTH_REGISTERED_CPUID, 1, (uint64_t)first << 32 | first_subleaf,
	    (uint64_t)last << 32 | last_subleaf, handler);
}

static void expect(const char *of_base, const char *of_first, const char *of_second)
{
	const char *const wanted[MODULES] = {of_base, of_first, of_second};
	char text[2048];

	cr_redirect_stdout();
	for (uint64_t i = 0; i < MODULES; i++) {
		puts("--");
		registrations_print(&all, i);
	}
	fflush(stdout);
	snprintf(text, sizeof(text), "--\n%s--\n%s--\n%s", wanted[BASE], wanted[FIRST], wanted[SECOND]);
	cr_assert_stdout_eq_str(text);
}

Test(registrations, each_sort_in_words)
{
	add(PLINTH_REGISTERED_EXIT, 1, PLINTH_EXIT_STEP, PLINTH_EXIT_STEP, BY_FIRST);
	add(PLINTH_REGISTERED_EXIT, 1, PLINTH_EXIT_INVD, PLINTH_EXIT_HYPERCALL, BY_FIRST);
	add_leaves(0x40000100, 0x40000100, 0, UINT32_MAX, BY_FIRST);
	add_leaves(4, 5, 1, 1, BY_FIRST);
	add_leaves(7, 7, 0, 2, BY_FIRST);
	add(PLINTH_REGISTERED_MSR, PLINTH_REGISTERED_READ, 0x10, 0x10, BY_FIRST);
	add(PLINTH_REGISTERED_MSR, PLINTH_REGISTERED_WRITE, 0x10, 0x1f, BY_FIRST);
	add(PLINTH_REGISTERED_MSR, 3, 0xc0000080, 0xc0000080, BY_FIRST);
	add(PLINTH_REGISTERED_HYPERCALL, PLINTH_REGISTERED_KERNEL, 1, ~0ull - 1, BY_FIRST);
	add(PLINTH_REGISTERED_HYPERCALL, 3, 0, 0, BY_FIRST);
	add(PLINTH_REGISTERED_NAME, 0, 0, 0, BY_FIRST);
	memset(all.rows[all.n - 1].name, 'n', PLINTH_CALL_NAME);
	expect("",
	       "  registered exits step\n"
	       "  registered exits invd to hypercall\n"
	       "  registered CPUID 0x40000100\n"
	       "  registered CPUID 0x4 to 0x5, subleaf 0x1\n"
	       "  registered CPUID 0x7, subleaf 0 to 0x2\n"
	       "  registered reads of MSR 0x10\n"
	       "  registered writes of MSR 0x10 to 0x1f\n"
	       "  registered reads and writes of MSR 0xc0000080\n"
	       "  registered the kernel's hypercall 0x1 to 0xfffffffffffffffe\n"
	       "  registered anybody's hypercall 0\n"
	       "  registered messages to nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\n",
	       "");
}

/* The newest is asked first. */
Test(registrations, who_else)
{
	add(PLINTH_REGISTERED_EXIT, 1, 3, 5, BY_FIRST);
	add(PLINTH_REGISTERED_EXIT, 1, 5, 6, BY_SECOND);
	add(PLINTH_REGISTERED_MSR, 1, 3, 5, BY_SECOND);
	add(PLINTH_REGISTERED_MSR, 2, 3, 5, BY_FIRST);
	add(PLINTH_REGISTERED_MSR, 3, 5, 6, BY_FIRST);
	add(PLINTH_REGISTERED_NAME, 0, 0, 0, BY_FIRST);
	strcpy(all.rows[all.n - 1].name, "a");
	add(PLINTH_REGISTERED_NAME, 0, 0, 0, BY_SECOND);
	strcpy(all.rows[all.n - 1].name, "b");
	expect("",
	       "  registered exits triple-fault to sipi; in this order: second, first\n"
	       "  registered writes of MSR 0x3 to 0x5; in this order: first, first\n"
	       "  registered reads and writes of MSR 0x5 to 0x6; in this order: first, first, second\n"
	       "  registered messages to a\n",
	       "  registered exits sipi to nmi-window; in this order: second, first\n"
	       "  registered reads of MSR 0x3 to 0x5; in this order: first, second\n"
	       "  registered messages to b\n");
}

/* Answers go up from the oldest; leaves that meet in no subleaf do not meet. */
Test(registrations, leaves_and_subleaves)
{
	add_leaves(4, 7, 0, 1, BY_SECOND);
	add_leaves(5, 5, 1, 3, BY_FIRST);
	add_leaves(5, 9, 2, UINT32_MAX, BY_SECOND);
	expect("", "  registered CPUID 0x5, subleaf 0x1 to 0x3; in this order: second, first, second\n",
	       "  registered CPUID 0x4 to 0x7, subleaf 0 to 0x1; in this order: second, first\n"
	       "  registered CPUID 0x5 to 0x9, subleaf 0x2 to 0xffffffff; in this order: first, second\n");
}

/* A guest's kernel can write what the VMM answers. */
Test(registrations, nonsense)
{
	add(PLINTH_REGISTERED_SORTS, 1, 0, 0, BY_FIRST);
	add(~0u, 1, 0, 0, BY_FIRST);
	add(PLINTH_REGISTERED_EXIT, 1, 5000, ~0ull, BY_FIRST);
	add(PLINTH_REGISTERED_EXIT, 1, 0, ~0ull, 0x4000);
	expect("", "  registered exits ? to ?; in this order: ?, first\n", "");
}

Test(registrations, for_programs)
{
	struct json_object *list;

	add_leaves(7, 7, 1, 2, BY_FIRST);
	add(PLINTH_REGISTERED_MSR, 2, 3, 5, BY_FIRST);
	add(PLINTH_REGISTERED_HYPERCALL, 3, 0, ~0ull, BY_FIRST);
	add(PLINTH_REGISTERED_EXIT, 1, PLINTH_EXIT_STEP, PLINTH_EXIT_STEP, BY_FIRST);
	add(PLINTH_REGISTERED_NAME, 0, 0, 0, BY_FIRST);
	strcpy(all.rows[all.n - 1].name, "a");
	add(PLINTH_REGISTERED_MSR, 2, 5, 6, BY_SECOND);
	list = registrations_json(&all, FIRST);
	cr_expect_str_eq(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN),
			 "[{\"sort\":\"cpuid\",\"first\":7,\"last\":7,\"first_subleaf\":1,\"last_subleaf\":2,"
			 "\"handler\":4096,\"order\":[\"first\"]},"
			 "{\"sort\":\"msrs\",\"first\":3,\"last\":5,\"of\":[\"writes\"],\"handler\":4096,"
			 "\"order\":[\"second\",\"first\"]},"
			 "{\"sort\":\"hypercalls\",\"first\":0,\"last\":18446744073709551615,\"of\":["
			 "\"kernel\",\"processes\"],"
			 "\"handler\":4096,\"order\":[\"first\"]},"
			 "{\"sort\":\"exits\",\"first\":\"step\",\"last\":\"step\",\"handler\":4096,"
			 "\"order\":[\"first\"]},"
			 "{\"sort\":\"messages\",\"name\":\"a\",\"handler\":4096,\"order\":[\"first\"]}]");
	json_object_put(list);
}

/* -- the driver ---------------------------------------------------------------------------------- */

static int refuses;

int device_call(const char *command, unsigned int number, void *arg)
{
	struct plinth_ctl_call *call = arg;

	cr_expect_str_eq(command, "modules");
	cr_expect_eq(number, PLINTH_CTL_CALL);
	cr_expect_str_eq(call->name, PLINTH_CALL_REGISTRATIONS);
	cr_expect_eq(call->in_bytes, 0);
	cr_expect_geq(call->room, 80 * sizeof(struct plinth_ctl_registration), "all there can be");
	memset((void *)(uintptr_t)call->out, 0, 2 * sizeof(struct plinth_ctl_registration));
	call->out_bytes = 2 * sizeof(struct plinth_ctl_registration);
	return refuses;
}

Test(registrations, are_asked_for)
{
	cr_expect_eq(registrations_get(modules, MODULES, &all), 0);
	cr_expect_eq(all.n, 2);
	cr_expect_eq(all.n_modules, MODULES);
	refuses = -1;
	cr_expect_eq(registrations_get(modules, MODULES, &all), -1);
}
