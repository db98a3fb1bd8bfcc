/* SPDX-License-Identifier: MIT */
/* The plan that load offers the driver, and that plan writes. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_file.h"

static char folder[] = "/tmp/plan_file.XXXXXX", path[64], module[64];

static void up(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(module, sizeof(module), "%s/a.so", folder);
	plan_file_beside(module, path, sizeof(path));
	cr_redirect_stderr();
}

static void down(void)
{
	unlink(path);
	cr_assert_eq(rmdir(folder), 0);
}

TestSuite(plan_file, .init = up, .fini = down);

Test(plan_file, is_beside_the_module)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), "%s/modules.plan", folder);
	cr_expect_str_eq(path, wanted);
}

static void expect_none(void)
{
	size_t n_bytes = 1;

	cr_expect_null(plan_file_read(path, &n_bytes));
	cr_expect_eq(n_bytes, 0);
}

/* Whatever lies where the plan would, nobody waits for it, and modules without one are modules. */
Test(plan_file, one_or_none, .timeout = 20)
{
	size_t n_bytes = 1;
	void *plan;

	expect_none();
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_none();
	cr_assert(plan_file_write(path, "plan", 4), "in place of whatever it is");
	plan = plan_file_read(path, &n_bytes);
	cr_assert(plan);
	cr_assert_eq(n_bytes, 4);
	cr_expect_arr_eq(plan, "plan", 4);
	cr_assert_eq(truncate(path, 1ll << 40), 0);
	cr_expect(plan_file_read(path, &n_bytes), "one that fits no modules");
	cr_expect_eq(n_bytes, 0);
}

/* A plan that cannot be written leaves nothing, and says so. */
Test(plan_file, whole_or_not_at_all)
{
	struct stat about;
	char new_path[80], wanted[160];

	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_not(plan_file_write(path, "plan", 4));
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	cr_expect(stat(new_path, &about));
	cr_assert_eq(rmdir(path), 0);
	fflush(stderr);
	snprintf(wanted, sizeof(wanted), "plinthctl: %s: cannot be written: Is a directory\n", path);
	cr_expect_stderr_eq_str(wanted);
}
