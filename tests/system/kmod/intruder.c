// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * What a kernel may try against the VMM beneath it.
 *
 * Words into the parameter run do:
 *   calls    hypercalls of all sorts, one of them the stop with a wrong token; answered counts those that
 *            were answered
 *   crash    ask the VMM for a page fault, with the module debug_fault
 *
 * The parameter apic takes the number of a page and lays this CPU's local APIC over it, if the CPU lets it.
 * The parameter cr4 is the reader's CPU's.
 *
 * /proc/intruder_msrs: what each MSR of the ranges below made of each of some values, on the reader's CPU.
 * Everything is as before afterwards. The text must be the same natively, under the VMM and after it.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/tlbflush.h>

static uint answered;
module_param(answered, uint, 0444);

static int read_cr4(char *out, const struct kernel_param *param)
{
	return sysfs_emit(out, "%#lx\n", __read_cr4());
}

static const struct kernel_param_ops cr4_ops = {.get = read_cr4};
module_param_cb(cr4, &cr4_ops, NULL, 0400);

#define CALLS	       20000
#define HYPERCALL_STOP 0x504c4e5453544f50ull /* PLINTH_HYPERCALL_STOP of plinth/boot.h */
#define HYPERCALL_BUG  0x504c4e5444425547ull /* DEBUG_FAULT_HYPERCALL of plinth/debug_fault.h */

/* False: it was refused, as an undefined instruction. */
static bool hypercall(u64 a, u64 c, u64 d)
{
	/* clang-format off */ /* it takes %l for an operation */
	asm goto("1: vmcall\n" _ASM_EXTABLE(1b, %l[refused]) : : "a"(a), "c"(c), "d"(d) : "memory" : refused);
	/* clang-format on */
	return true;
refused:
	return false;
}

static void calls(void)
{
	unsigned int i;

	for (i = 0; i < CALLS; i++) {
		u64 a = i % 4 ? get_random_u64() : HYPERCALL_STOP, c = get_random_u64(), d = get_random_u64();

		answered += hypercall(a, c, d);
		cond_resched();
	}
}

static int run(const char *word, const struct kernel_param *param)
{
	/* Refused where nobody answers, or nobody is left. */
	if (sysfs_streq(word, "crash"))
		return hypercall(HYPERCALL_BUG, 0, 0) ? 0 : -EIO;
	if (!sysfs_streq(word, "calls"))
		return -EINVAL;
	answered = 0;
	calls();
	return 0;
}

static const struct kernel_param_ops run_ops = {.set = run};
module_param_cb(run, &run_ops, NULL, 0200);

/* What became of one value in one MSR. */
enum outcome { NO_READ, NO_WRITE, NO_WAY_BACK, DONE };

/*
 * Writes the value, reads it back, writes what was there. No C between: it uses GS, the stack's guard and
 * memory, and the MSR may be about any of them.
 */
static noinline enum outcome swap_msr(u32 msr, u64 value, u64 *old, u64 *back)
{
	register u64 r8 asm("r8") = 0, r9 asm("r9") = 0;
	u32 done = 0;
	unsigned long flags;

	local_irq_save(flags);
	asm volatile("1: rdmsr\n\tinc %[done]\n\t"
		     "shl $32, %%rdx\n\tor %%rdx, %%rax\n\tmov %%rax, %[old]\n\t"
		     "mov %[value], %%rax\n\tmov %[value], %%rdx\n\tshr $32, %%rdx\n\t"
		     "2: wrmsr\n\tinc %[done]\n\t"
		     "3: rdmsr\n\tshl $32, %%rdx\n\tor %%rdx, %%rax\n\tmov %%rax, %[back]\n\t"
		     "mov %[old], %%rax\n\tmov %[old], %%rdx\n\tshr $32, %%rdx\n\t"
		     "4: wrmsr\n\tinc %[done]\n"
		     "5:\n" _ASM_EXTABLE(1b, 5b) _ASM_EXTABLE(2b, 5b) _ASM_EXTABLE(3b, 5b)
			     _ASM_EXTABLE(4b, 5b)
		     : [done] "+r"(done), [old] "+r"(r8), [back] "+r"(r9)
		     : "c"(msr), [value] "r"(value)
		     : "rax", "rdx", "memory", "cc");
	local_irq_restore(flags);
	*old = r8;
	*back = r9;
	return done;
}

#define IA32_TSC	  0x10
#define IA32_APIC_BASE	  0x1b
#define IA32_TSC_ADJUST	  0x3b
#define IA32_MISC_ENABLE  0x1a0
#define IA32_DS_AREA	  0x600
#define IA32_TSC_DEADLINE 0x6e0

static const struct msr_range {
	u32 first, last;
} ranges[] = {
	{0, 0x20ff},
	{0x3fffffe0, 0x3fffffff}, /* 40000000h-400000ffh: documented to differ */
	{0x40000100, 0x4000011f},
	{0x7ffffff0, 0x8000000f},
	{0xbffffff0, 0xc00020ff},
	{0xfffffff0, 0xffffffff},
};

/* Time goes on: what is read is never the same twice. */
static bool is_time(u32 msr)
{
	return msr == IA32_TSC || msr == IA32_TSC_ADJUST || msr == IA32_TSC_DEADLINE ||
	       (msr >= 0xc1 && msr <= 0xc8) || msr == 0xe7 || msr == 0xe8 || (msr >= 0x309 && msr <= 0x30b) ||
	       (msr >= 0x800 && msr <= 0x8ff);
}

/*
 * Without paging of its kind, without an execute-disable bit or without its APIC the kernel does not live,
 * with a VMM or without.
 */
static bool is_deadly(u32 msr, u64 old, u64 value)
{
	switch (msr) {
	case MSR_EFER: return (value ^ old) & ~EFER_SCE && !(value & ~0xd01ull);
	case IA32_APIC_BASE: return (value ^ old) & 0xfff;
	case IA32_MISC_ENABLE: return value & MSR_IA32_MISC_ENABLE_XD_DISABLE;
	case IA32_DS_AREA: return value && !(value >> 47); /* may be an address of the VMM */
	default: return false;
	}
}

static char letter(enum outcome outcome, u64 old, u64 value, u64 back)
{
	if (outcome == NO_WRITE)
		return 'F'; /* a fault */
	if (outcome == NO_WAY_BACK)
		return 'B'; /* written, but what was there before cannot be */
	return back == value ? 'W' : back == old ? 'o' : 'x';
}

/* One MSR's line: a letter for each value. */
static void try_msr(char *line, u32 msr)
{
	enum outcome outcome;
	u64 old, back;
	u32 low, high;
	unsigned int i;

	if (rdmsr_safe(msr, &low, &high)) {
		strcpy(line, "none");
		return;
	}
	old = (u64)high << 32 | low;
	for (i = 0; i < 10; i++) {
		const u64 values[10] = {
			0,	    1,
			~0ull,	    old,
			old ^ 1,    old | 1ull << 63,
			0x1000,	    1ull << 52,
			1ull << 47, (1ull << 47) - 4096,
		};

		line[i] = '-';
		if (is_deadly(msr, old, values[i]))
			continue;
		outcome = swap_msr(msr, values[i], &old, &back);
		line[i] = letter(outcome, old, values[i], back);
	}
	line[i] = 0;
}

static void show_range(struct seq_file *file, const struct msr_range *range)
{
	char line[16], before[16] = "";
	u64 msr;

	for (msr = range->first; msr <= range->last; msr++) {
		if (is_time(msr))
			continue;
		try_msr(line, msr);
		if (strcmp(line, before))
			seq_printf(file, "%08llx: %s\n", msr, line);
		strcpy(before, line);
	}
}

static int show_msrs(struct seq_file *file, void *unused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		show_range(file, &ranges[i]);
	return 0;
}

/* -EIO: the CPU, or who is beneath us, does not let it. */
static int set_apic(const char *text, const struct kernel_param *param)
{
	u64 pfn, old, back;
	u32 low, high;
	int error = kstrtoull(text, 16, &pfn);

	if (error)
		return error;
	rdmsr(IA32_APIC_BASE, low, high);
	old = (u64)high << 32 | low;
	if (swap_msr(IA32_APIC_BASE, pfn << PAGE_SHIFT | (old & 0xfff), &old, &back) != DONE)
		return -EIO;
	return back == old ? -EPERM : 0;
}

static const struct kernel_param_ops apic_ops = {.set = set_apic};
module_param_cb(apic, &apic_ops, NULL, 0200);

static int __init intruder_init(void)
{
	return proc_create_single("intruder_msrs", 0400, NULL, show_msrs) ? 0 : -ENOMEM;
}

static void __exit intruder_exit(void)
{
	remove_proc_entry("intruder_msrs", NULL);
}

module_init(intruder_init);
module_exit(intruder_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: what a kernel may try against the VMM beneath it");
