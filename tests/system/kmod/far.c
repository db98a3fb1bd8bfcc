// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Reads words far apart where no RAM is, as a driver whose device has large BARs would. Writing "FIRST END STEP" (MiB,
 * decimal) into the parameter run reads one word at each STEP; answers counts them, and unmapped what could not be.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sizes.h>

static uint answers, unmapped;
module_param(answers, uint, 0444);
module_param(unmapped, uint, 0444);

static void read_at(u64 mib)
{
	void __iomem *p = ioremap(mib * SZ_1M, PAGE_SIZE);

	if (!p) {
		unmapped++;
		return;
	}
	readl(p);
	answers++;
	iounmap(p);
	cond_resched();
}

static int run(const char *text, const struct kernel_param *param)
{
	u64 first, end, step, mib;

	if (sscanf(text, "%llu %llu %llu", &first, &end, &step) != 3 || !step)
		return -EINVAL;
	answers = unmapped = 0;
	for (mib = first; mib < end; mib += step)
		read_at(mib);
	return 0;
}

static const struct kernel_param_ops run_ops = { .set = run };
module_param_cb(run, &run_ops, NULL, 0200);

static int __init far_init(void)
{
	return 0;
}

static void __exit far_exit(void)
{
}

module_init(far_init);
module_exit(far_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: reads device memory far apart");
