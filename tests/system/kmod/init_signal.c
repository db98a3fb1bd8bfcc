// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Takes a CPU away from the kernel: INIT, then SIPI, to a few instructions in real mode that leave their
 * results in memory. "CPU" into /proc/init_signal does it; reading tells what they saw, and what CPUID says
 * to the reader.
 *
 * Nothing in the kernel comes back from that CPU, unless it was offline.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/smp.h>

#define PAGE	 8 /* below 1 MiB, which the kernel leaves alone: the SIPI's vector */
#define AT_LEAF	 0x100
#define AT_CR0	 0x10c
#define AT_CS	 0x110
#define AT_DONE	 0x114
#define DONE	 0x5349504fu
#define LEAF	 0x40000000
#define PATIENCE 200 /* ms */

asm(".pushsection .rodata\n"
    "init_signal_code:\n"
    ".code16\n"
    "	cli\n"
    "	movl $" __stringify(
	    LEAF) ", %eax\n"
		  "	cpuid\n"
		  "	movl %ebx, %cs:" __stringify(
			  AT_LEAF) "\n"
				   "	movl %ecx, %cs:" __stringify(
					   AT_LEAF) "+4\n"
						    "	movl %edx, %cs:" __stringify(
							    AT_LEAF) "+8\n"
								     "	movl %cr0, %eax\n"
								     "	movl %eax, %cs:" __stringify(
									     AT_CR0) "\n"
										     "	xorl %eax, %eax\n"
										     "	movw %cs, %ax\n"
										     "	movl %eax, "
										     "%cs:" __stringify(
											     AT_CS) "\n"
												    "	movl "
												    "$" __stringify(DONE) ", %cs:" __stringify(
													    AT_DONE) "\n"
														     "1:	hlt\n"
														     "	jmp 1b\n"
														     ".code64\n"
														     "init_signal_code_end:\n"
														     ".popsection\n");
extern const u8 init_signal_code[], init_signal_code_end[];

static void start(u8 *page, u32 apic_id)
{
	int i;

	apic->icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apic_id);
	mdelay(10);
	for (i = 0; i < PATIENCE && *(volatile u32 *)(page + AT_DONE) != DONE; i++) {
		/* As the manual advises, twice. */
		if (i < 2)
			apic->icr_write(APIC_DM_STARTUP | PAGE, apic_id);
		mdelay(1);
	}
}

static ssize_t signal_write(struct file *file, const char __user *user, size_t bytes, loff_t *at)
{
	u8 *page = phys_to_virt(PAGE << PAGE_SHIFT);
	unsigned int cpu;

	if (kstrtouint_from_user(user, bytes, 0, &cpu) || !cpu_possible(cpu))
		return -EINVAL;
	memset(page, 0, PAGE_SIZE);
	memcpy(page, init_signal_code, init_signal_code_end - init_signal_code);
	preempt_disable();
	if (cpu != smp_processor_id())
		start(page, per_cpu(x86_cpu_to_apicid, cpu));
	preempt_enable();
	return bytes;
}

static int signal_show(struct seq_file *file, void *unused)
{
	const u32 *found = phys_to_virt(PAGE << PAGE_SHIFT);
	u32 eax, ebx, ecx, edx;

	if (found[AT_DONE / 4] == DONE)
		seq_printf(file, "started: CR0 %x, CS %x, CPUID %08x %08x %08x\n", found[AT_CR0 / 4],
			   found[AT_CS / 4], found[AT_LEAF / 4], found[AT_LEAF / 4 + 1],
			   found[AT_LEAF / 4 + 2]);
	else
		seq_puts(file, "not started\n");
	eax = LEAF;
	ecx = 0;
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	seq_printf(file, "here: CPUID %08x %08x %08x\n", ebx, ecx, edx);
	return 0;
}

static int signal_open(struct inode *inode, struct file *file)
{
	return single_open(file, signal_show, NULL);
}

static const struct proc_ops signal_ops = {
	.proc_open = signal_open,
	.proc_read = seq_read,
	.proc_write = signal_write,
	.proc_release = single_release,
};

static int __init init_signal_init(void)
{
	return proc_create("init_signal", 0600, NULL, &signal_ops) ? 0 : -ENOMEM;
}

static void __exit init_signal_exit(void)
{
	remove_proc_entry("init_signal", NULL);
}

module_init(init_signal_init);
module_exit(init_signal_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Test: takes a CPU away by INIT and SIPI");
