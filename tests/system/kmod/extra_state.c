// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Turns on, on every CPU and for as long as it is in, what Linux has no use for: protection keys of the
 * kernel (CR4.PKS), user interrupts (CR4.UINTR) and the tiles of AMX in XCR0. Nobody saves that state when
 * processes change: each program that uses it has its CPU to itself.
 *
 * Parameters, in /sys/module/extra_state/parameters:
 *	keys	read: what a key of the kernel's forbids on the reader's CPU
 *	handler	written: the address of a handler of user interrupts in the writer's process, for its CPU
 *	post	written: a user interrupt for that handler
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <asm/apic.h>
#include <asm/irq_vectors.h>
#include <asm/processor.h>

#include "drivers/linux/kernel.h"
#include "tests/system/kmod/cr4.h"

#define CR4_BITS  (BIT(24) | BIT(25)) /* PKS, UINTR */
#define XCR0_BITS (BIT(17) | BIT(18)) /* XTILECFG, XTILEDATA */

#define IA32_PKRS	       0x6e1
#define IA32_UINTR_RR	       0x985
#define IA32_UINTR_HANDLER     0x986
#define IA32_UINTR_STACKADJUST 0x987
#define IA32_UINTR_MISC	       0x988
#define IA32_UINTR_PD	       0x989

#define KEY	 1
#define RED_ZONE 128

/* User Posted-Interrupt Descriptor. */
struct descriptor {
	u8 status, reserved, vector, reserved2;
	u32 destination;
	unsigned long requests;
} __aligned(64);

static DEFINE_PER_CPU(struct descriptor, descriptors);

static u32 *plain, *keyed; /* one page, without a key and with one */

struct leaf {
	u32 eax, ebx, ecx, edx;
};

static struct leaf ask_cpuid(u32 leaf)
{
	struct leaf answer;

	asm volatile("cpuid"
		     : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx), "=d"(answer.edx)
		     : "a"(leaf), "c"(0));
	return answer;
}

static u64 xcr0(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (u64)high << 32;
}

static void set_xcr0(u64 value)
{
	asm volatile("xsetbv" : : "a"((u32)value), "d"((u32)(value >> 32)), "c"(0) : "memory");
}

static void turn_on(void *unused)
{
	change_cr4(CR4_BITS, 0);
	set_xcr0(xcr0() | XCR0_BITS);
}

static void turn_off(void *unused)
{
	kernel_wrmsr(IA32_PKRS, 0);
	kernel_wrmsr(IA32_UINTR_MISC, 0);
	kernel_wrmsr(IA32_UINTR_HANDLER, 0);
	set_xcr0(xcr0() & ~XCR0_BITS);
	change_cr4(0, CR4_BITS);
}

static bool can_read(u32 *word)
{
	u32 value;

	__get_kernel_nofault(&value, word, u32, forbidden);
	return true;
forbidden:
	return false;
}

static bool can_write(u32 *word)
{
	u32 value = 0;

	__put_kernel_nofault(word, &value, u32, forbidden);
	return true;
forbidden:
	return false;
}

/* The kernel warns, once since its boot, that it knows of no keys of its own. */
static int rights(char *text, u32 key_rights)
{
	const u32 wanted = key_rights << 2 * KEY;
	bool reads, writes;
	u64 found;

	preempt_disable();
	pagefault_disable();
	kernel_wrmsr(IA32_PKRS, wanted);
	reads = can_read(keyed);
	ask_cpuid(0); /* an exit, where there is a VMM */
	writes = can_write(keyed);
	kernel_rdmsr(IA32_PKRS, found);
	kernel_wrmsr(IA32_PKRS, 0);
	pagefault_enable();
	preempt_enable();
	return sprintf(text, "rights %u: reads %s, writes %s, IA32_PKRS %s\n", key_rights,
		       reads ? "allowed" : "forbidden", writes ? "allowed" : "forbidden",
		       found == wanted ? "the same" : "another");
}

static int keys(char *text, const struct kernel_param *param)
{
	int length = 0;
	u32 i;

	for (i = 0; i < 3; i++) /* none, access disabled, write disabled */
		length += rights(text + length, i);
	return length;
}

static int handler(const char *text, const struct kernel_param *param)
{
	struct descriptor *descriptor;
	unsigned long address;

	if (kstrtoul(text, 0, &address))
		return -EINVAL;
	preempt_disable();
	descriptor = this_cpu_ptr(&descriptors);
	descriptor->requests = 0;
	kernel_wrmsr(IA32_UINTR_RR, 0);
	kernel_wrmsr(IA32_UINTR_HANDLER, address);
	kernel_wrmsr(IA32_UINTR_STACKADJUST, RED_ZONE);
	kernel_wrmsr(IA32_UINTR_PD, (unsigned long)descriptor);
	kernel_wrmsr(IA32_UINTR_MISC, (u64)POSTED_INTR_WAKEUP_VECTOR << 32);
	preempt_enable();
	return 0;
}

/* The CPU takes the interrupt for the process; the kernel's handler of that vector never runs. */
static int post(const char *text, const struct kernel_param *param)
{
	int cpu = get_cpu();

	set_bit(0, &per_cpu(descriptors, cpu).requests);
	apic->send_IPI(cpu, POSTED_INTR_WAKEUP_VECTOR);
	put_cpu();
	return 0;
}

static const struct kernel_param_ops keys_ops = {.get = keys}, handler_ops = {.set = handler},
				     post_ops = {.set = post};
module_param_cb(keys, &keys_ops, NULL, 0444);
module_param_cb(handler, &handler_ops, NULL, 0200);
module_param_cb(post, &post_ops, NULL, 0200);

/* CPUID.(EAX=07H,ECX=0): PKS, UINTR, AMX-TILE. */
static bool cpu_has_all(void)
{
	struct leaf features;

	if (ask_cpuid(0).eax < 7)
		return false;
	features = ask_cpuid(7);
	return features.ecx & BIT(31) && features.edx & BIT(5) && features.edx & BIT(24);
}

static int map_page(void)
{
	struct page *page;

	plain = (u32 *)get_zeroed_page(GFP_KERNEL);
	if (!plain)
		return -ENOMEM;
	page = virt_to_page(plain);
	keyed = vmap(&page, 1, VM_MAP, __pgprot(pgprot_val(PAGE_KERNEL) | (u64)KEY << 59));
	if (keyed)
		return 0;
	free_page((unsigned long)plain);
	return -ENOMEM;
}

static int __init extra_init(void)
{
	int err;

	if (!cpu_has_all())
		return -ENODEV;
	err = map_page();
	if (!err)
		on_each_cpu(turn_on, NULL, 1);
	return err;
}

static void __exit extra_exit(void)
{
	on_each_cpu(turn_off, NULL, 1);
	vunmap(keyed);
	free_page((unsigned long)plain);
}

module_init(extra_init);
module_exit(extra_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: state of the CPU that Linux does not use");
