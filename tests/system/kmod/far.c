// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Reads words far apart where no RAM is, as a driver whose device has large BARs would. Writing "FIRST END
 * STEP" (MiB, decimal) into the parameter run reads one word at each STEP; into crowd, all CPUs at once do,
 * each beginning elsewhere. answers counts the words, and unmapped what could not be.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/io.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/workqueue.h>

static struct {
	u64 first, step;
	u32 words;
} span;

static atomic_t answers, unmapped;
static DEFINE_PER_CPU(struct work_struct, reader);

static void read_at(u64 mib)
{
	void __iomem *p = ioremap(mib * SZ_1M, PAGE_SIZE);

	if (!p) {
		atomic_inc(&unmapped);
		return;
	}
	readl(p);
	atomic_inc(&answers);
	iounmap(p);
	cond_resched();
}

static void read_from(u32 begin)
{
	u32 i;

	for (i = 0; i < span.words; i++)
		read_at(span.first + (begin + i) % span.words * span.step);
}

static void read_here(struct work_struct *work)
{
	read_from(span.words / nr_cpu_ids * raw_smp_processor_id());
}

static int span_of(const char *text)
{
	u64 end;

	if (sscanf(text, "%llu %llu %llu", &span.first, &end, &span.step) != 3 || !span.step ||
	    end <= span.first)
		return -EINVAL;
	span.words = div64_u64(end - span.first + span.step - 1, span.step);
	atomic_set(&answers, 0);
	atomic_set(&unmapped, 0);
	return 0;
}

static int run(const char *text, const struct kernel_param *param)
{
	int err = span_of(text);

	if (!err)
		read_from(0);
	return err;
}

static int crowd(const char *text, const struct kernel_param *param)
{
	int err = span_of(text);
	int cpu;

	if (err)
		return err;
	cpus_read_lock();
	for_each_online_cpu(cpu)
	{
		INIT_WORK(per_cpu_ptr(&reader, cpu), read_here);
		schedule_work_on(cpu, per_cpu_ptr(&reader, cpu));
	}
	for_each_online_cpu(cpu) flush_work(per_cpu_ptr(&reader, cpu));
	cpus_read_unlock();
	return 0;
}

static int count(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%d\n", atomic_read(param->arg));
}

static const struct kernel_param_ops run_ops = {.set = run}, crowd_ops = {.set = crowd},
				     count_ops = {.get = count};
module_param_cb(run, &run_ops, NULL, 0200);
module_param_cb(crowd, &crowd_ops, NULL, 0200);
module_param_cb(answers, &count_ops, &answers, 0444);
module_param_cb(unmapped, &count_ops, &unmapped, 0444);

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
