// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Makes a call of the Plinth driver into the kernel fail, as if memory had run out.
 *
 * Parameters, in /sys/module/driver_fault/parameters:
 *	fail_at		the call that fails, counted from 1; 0 only counts
 *	for_good	all calls from there on fail, not that one alone
 *	calls		how many there were; written to begin again
 *	failed		how many failed; written to begin again
 *	last		what failed last
 *
 * Only calls from the driver's own code count: the return address tells.
 */
#include <linux/errno.h>
#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static uint fail_at, calls, failed;
static bool for_good;
static char *last = "";
module_param(fail_at, uint, 0644);
module_param(for_good, bool, 0644);
module_param(calls, uint, 0644);
module_param(failed, uint, 0644);
module_param(last, charp, 0444);

static DEFINE_RAW_SPINLOCK(lock);

struct target {
	struct kprobe probe;
	unsigned long (*instead)(void);
	const char *counted; /* its name since Linux 6.10: allocators count who has what */
};

/* What a caller gets from a function that failed. */
static noinline unsigned long no_memory(void)
{
	return -ENOMEM;
}

static noinline unsigned long no_pointer(void)
{
	return 0;
}

static bool called_by_driver(unsigned long return_address)
{
	static char name[KSYM_SYMBOL_LEN]; /* under the lock */

	sprint_symbol(name, return_address);
	return strstr(name, "[plinth]");
}

/* Counts a call of the driver; true if it is to fail. */
static bool fails(const char *function, unsigned long return_address)
{
	bool yes;

	raw_spin_lock(&lock);
	yes = called_by_driver(return_address);
	if (yes) {
		calls++;
		yes = fail_at && (calls == fail_at || (for_good && calls > fail_at));
	}
	if (yes) {
		failed++;
		last = (char *)function;
	}
	raw_spin_unlock(&lock);
	return yes;
}

/*
 * At the function's first instruction, where the stack still holds only the return address: another function
 * runs instead.
 */
static int on_call(struct kprobe *probe, struct pt_regs *regs)
{
	struct target *target = container_of(probe, struct target, probe);

	if (!fails(probe->symbol_name, *(unsigned long *)regs->sp))
		return 0;
	regs->ip = (unsigned long)target->instead;
	return 1;
}

/* A probe that changes the instruction pointer must not be optimized into a jump; having this prevents it. */
static void on_return(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

#define TARGET(function, ...)                                                                                \
	{                                                                                                    \
		.probe = {.symbol_name = function, .pre_handler = on_call, .post_handler = on_return},       \
		__VA_ARGS__,                                                                                 \
	}
#define ALLOCATOR(function, count) TARGET(function, .instead = no_pointer, .counted = count)

static struct target targets[] = {
	ALLOCATOR("__vmalloc", "__vmalloc_noprof"),
	ALLOCATOR("alloc_pages_exact", "alloc_pages_exact_noprof"),
	ALLOCATOR("kvmalloc_node", "__kvmalloc_node_noprof"),
	ALLOCATOR("kmalloc_large", "__kmalloc_large_noprof"),
	TARGET("strndup_user", .instead = no_memory),
	TARGET("__cpuhp_setup_state", .instead = no_memory),
	TARGET("__register_nmi_handler", .instead = no_memory),
	TARGET("register_module_notifier", .instead = no_memory),
	TARGET("register_pm_notifier", .instead = no_memory),
	TARGET("register_reboot_notifier", .instead = no_memory),
	TARGET("misc_register", .instead = no_memory),
};

static int probe(struct target *target)
{
	int err = register_kprobe(&target->probe);

	if (err == -ENOENT && target->counted) {
		target->probe.symbol_name = target->counted;
		err = register_kprobe(&target->probe);
	}
	if (err)
		pr_err("driver_fault: no probe at %s: %d\n", target->probe.symbol_name, err);
	return err;
}

static int __init fault_init(void)
{
	size_t i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(targets) && !err; i++)
		err = probe(&targets[i]);
	if (!err)
		return 0;
	for (i--; i > 0; i--)
		unregister_kprobe(&targets[i - 1].probe);
	return err;
}

static void __exit fault_exit(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(targets); i++)
		unregister_kprobe(&targets[i].probe);
}

module_init(fault_init);
module_exit(fault_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: makes calls of the Plinth driver into the kernel fail");
