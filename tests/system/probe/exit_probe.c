// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * What the kernel sees of instructions that leave a guest, and of the state a VMM must keep:
 * reading /proc/exit_probe runs every probe (probes.def) on the reader's CPU and prints a line each.
 * Natively, under the VMM and after it the text must be the same.
 *
 * /proc/exit_probe_nmi: "CPU COUNT" sends NMIs to that CPU, each after the last arrived,
 * while it executes CPUID; reading tells how many were sent and how many arrived.
 *
 * /proc/exit_probe_crash: writing to it makes a triple fault.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/nmi.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/asm.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include <asm/nmi.h>
#include <asm/processor-flags.h>

#define NO_FAULT 255

static u64 memory[2] __aligned(16);

/* Runs an instruction; the vector of the exception it raised, or NO_FAULT. */
#define TRY(insn, ...)                                                                                       \
	({                                                                                                   \
		unsigned long _vector;                                                                       \
		asm volatile("mov $255, %%eax\n1: " insn                                                     \
			     "\n\tmov $255, %%eax\n2:\n" _ASM_EXTABLE_FAULT(1b, 2b)                          \
			     : "=&a"(_vector)                                                                \
			     : "m"(memory), ##__VA_ARGS__                                                    \
			     : "memory", "cc");                                                              \
		(u8)(_vector);                                                                               \
	})

/* For those that take their operands in EDX:EAX; the vector comes in R8. */
#define TRY_PAIR(insn, index, value)                                                                         \
	({                                                                                                   \
		u32 _low = (u32)(value), _high = (u64)(value) >> 32;                                         \
		unsigned long _vector;                                                                       \
		asm volatile("mov $0, %%r8d\n1: " insn "\n\tmov $1, %%r8d\n\tjmp 3f\n2:\n\t"                 \
			     "mov %%eax, %%r9d\n3:\n" _ASM_EXTABLE_FAULT(1b, 2b) "mov %%r8, %1"              \
			     : "+a"(_low), "=r"(_vector), "+d"(_high)                                        \
			     : "c"(index)                                                                    \
			     : "r8", "r9", "memory");                                                        \
		_vector ? NO_FAULT : (u8)_low;                                                               \
	})

static u64 cr0_now(void)
{
	u64 v;

	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static u64 cr4_now(void)
{
	u64 v;

	asm volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}

/* What may be written when the kernel does without XSAVE: nothing, so any value will do. */
static u64 xcr0(void)
{
	u32 low, high;

	if (!(cr4_now() & X86_CR4_OSXSAVE))
		return 1;
	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (u64)high << 32 | low;
}

static u8 xsetbv(u64 value)
{
	u64 before = xcr0();
	u8 vector = TRY_PAIR("xsetbv", 0, value);

	TRY_PAIR("xsetbv", 0, before);
	return vector;
}

static u8 cr0_write(u64 value)
{
	u64 before = cr0_now();
	u8 vector = TRY("mov %2, %%cr0", "r"(value));

	asm volatile("mov %0, %%cr0" : : "r"(before) : "memory");
	return vector;
}

/* NE is fixed in VMX operation; the guest must read back what it wrote. 0: it did. */
static u8 cr0_ne_reads_back(void)
{
	u64 before = cr0_now();
	bool cleared;

	asm volatile("mov %0, %%cr0" : : "r"(before & ~X86_CR0_NE) : "memory");
	cleared = !(cr0_now() & X86_CR0_NE);
	asm volatile("mov %0, %%cr0" : : "r"(before) : "memory");
	return !(cleared && cr0_now() == before);
}

/* LMSW sets PE but never clears it; TS comes and goes. 0: as the manual says. */
static u8 lmsw_keeps_pe(void)
{
	u64 before = cr0_now(), with, without;

	asm volatile("lmsw %w0" : : "r"((u32)(before & 0xe) | 8) : "memory");
	with = cr0_now();
	asm volatile("clts");
	without = cr0_now();
	asm volatile("mov %0, %%cr0" : : "r"(before) : "memory");
	return !((with & 9) == 9 && (without & 9) == 1);
}

static u8 cr4_write(u64 value)
{
	u64 before = cr4_now();
	u8 vector = TRY("mov %2, %%cr4", "r"(value));

	if (vector == NO_FAULT)
		asm volatile("mov %0, %%cr4" : : "r"(before) : "memory");
	return vector;
}

/* A global translation must be gone after CR4.PGE changed together with VMXE. 0: pass. */
static u8 cr4_pge_cycle(void)
{
	u64 before = cr4_now();

	asm volatile("mov %0, %%cr4" : : "r"(before & ~X86_CR4_PGE) : "memory");
	asm volatile("mov %0, %%cr4" : : "r"(before) : "memory");
	return cr4_now() != before;
}

#define PROBE(name, what)                                                                                    \
	static u8 probe_##name(void)                                                                         \
	{                                                                                                    \
		return what;                                                                                 \
	}
#include "probes.def"
#undef PROBE

static const struct {
	const char *name;
	u8 (*run)(void);
} probes[] = {
#define PROBE(name, what) {#name, probe_##name},
#include "probes.def"
#undef PROBE
};

static void show_msr(struct seq_file *file, const char *name, u32 msr)
{
	u32 low, high;

	if (rdmsr_safe(msr, &low, &high))
		return seq_printf(file, "%s: fault\n", name);
	seq_printf(file, "%s: %llx\n", name, (u64)high << 32 | low);
}

static void show_state(struct seq_file *file)
{
	struct desc_ptr gdt, idt;
	u16 es, cs, ss, ds, ldtr, tr;
	u64 dr7;

	native_store_gdt(&gdt);
	store_idt(&idt);
	asm volatile("mov %%es, %0" : "=r"(es));
	asm volatile("mov %%cs, %0" : "=r"(cs));
	asm volatile("mov %%ss, %0" : "=r"(ss));
	asm volatile("mov %%ds, %0" : "=r"(ds));
	asm volatile("sldt %0" : "=r"(ldtr));
	asm volatile("str %0" : "=r"(tr));
	asm volatile("mov %%dr7, %0" : "=r"(dr7));
	seq_printf(file, "gdt: %lx %x\nidt: %lx %x\n", gdt.address, gdt.size, idt.address, idt.size);
	seq_printf(file, "selectors: es %x cs %x ss %x ds %x ldtr %x tr %x\n", es, cs, ss, ds, ldtr, tr);
	seq_printf(file, "cr0: %llx\ncr4 without VMXE: %llx\ndr7: %llx\nxcr0: %llx\n", cr0_now(),
		   cr4_now() & ~(u64)X86_CR4_VMXE, dr7, xcr0());
	show_msr(file, "gs_base", MSR_GS_BASE);
	show_msr(file, "sysenter_cs", MSR_IA32_SYSENTER_CS);
	show_msr(file, "sysenter_esp", MSR_IA32_SYSENTER_ESP);
	show_msr(file, "sysenter_eip", MSR_IA32_SYSENTER_EIP);
	show_msr(file, "debugctl", MSR_IA32_DEBUGCTLMSR);
	show_msr(file, "pat", MSR_IA32_CR_PAT);
	show_msr(file, "efer", MSR_EFER);
	show_msr(file, "star", MSR_STAR);
	show_msr(file, "lstar", MSR_LSTAR);
	show_msr(file, "cstar", MSR_CSTAR);
	show_msr(file, "syscall_mask", MSR_SYSCALL_MASK);
	show_msr(file, "tsc_aux", MSR_TSC_AUX);
	show_msr(file, "apic_base", MSR_IA32_APICBASE);
	show_msr(file, "misc_enable", MSR_IA32_MISC_ENABLE);
	show_msr(file, "feature_control", MSR_IA32_FEAT_CTL);
}

static int probe_show(struct seq_file *file, void *unused)
{
	unsigned long flags;
	u8 results[ARRAY_SIZE(probes)];
	size_t i;

	local_irq_save(flags);
	for (i = 0; i < ARRAY_SIZE(probes); i++)
		results[i] = probes[i].run();
	show_state(file);
	local_irq_restore(flags);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		if (results[i] == NO_FAULT)
			seq_printf(file, "%s: no fault\n", probes[i].name);
		else
			seq_printf(file, "%s: %u\n", probes[i].name, results[i]);
	}
	return 0;
}

/* -- NMIs --------------------------------------------------------------------- */

static bool deaf;
module_param(deaf, bool, 0400);
MODULE_PARM_DESC(deaf, "NMIs are nobody's");

static atomic_t nmi_arrived;
static int nmi_sent;
static bool nmi_busy;

static int on_nmi(unsigned int type, struct pt_regs *regs)
{
	if (!READ_ONCE(nmi_busy) || deaf)
		return NMI_DONE;
	atomic_inc(&nmi_arrived);
	return NMI_HANDLED;
}

/* By name it stands in another header in each kernel. */
static void cpuid_0(void)
{
	u32 eax = 0, ecx = 0;

	asm volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "rbx", "rdx");
}

static void execute_cpuid(void *unused)
{
	while (READ_ONCE(nmi_busy))
		cpuid_0();
}

static bool send_one(unsigned int cpu)
{
	int before = atomic_read(&nmi_arrived), patience = 20000;

	nmi_sent++;
	apic->send_IPI(cpu, NMI_VECTOR);
	while (atomic_read(&nmi_arrived) == before && --patience)
		cpuid_0();
	return patience;
}

static ssize_t nmi_write(struct file *file, const char __user *user, size_t bytes, loff_t *at)
{
	unsigned int cpu, count;
	char text[32] = "";

	if (bytes >= sizeof(text) || copy_from_user(text, user, bytes))
		return -EINVAL;
	if (sscanf(text, "%u %u", &cpu, &count) != 2 || !cpu_online(cpu))
		return -EINVAL;
	atomic_set(&nmi_arrived, 0);
	nmi_sent = 0;
	WRITE_ONCE(nmi_busy, true);
	preempt_disable();
	if (cpu != smp_processor_id())
		smp_call_function_single(cpu, execute_cpuid, NULL, 0);
	while (count-- && send_one(cpu))
		;
	WRITE_ONCE(nmi_busy, false);
	preempt_enable();
	return bytes;
}

static int nmi_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "sent %d arrived %d\n", nmi_sent, atomic_read(&nmi_arrived));
	return 0;
}

static int nmi_open(struct inode *inode, struct file *file)
{
	return single_open(file, nmi_show, NULL);
}

static const struct proc_ops nmi_ops = {
	.proc_open = nmi_open,
	.proc_read = seq_read,
	.proc_write = nmi_write,
	.proc_release = single_release,
};

/* -- a triple fault ------------------------------------------------------------ */

static ssize_t crash_write(struct file *file, const char __user *user, size_t bytes, loff_t *at)
{
	const struct desc_ptr nothing = {0};

	local_irq_disable();
	load_idt(&nothing);
	asm volatile("int3");
	return bytes;
}

static const struct proc_ops crash_ops = {.proc_write = crash_write};

static int __init exit_probe_init(void)
{
	if (!proc_create_single("exit_probe", 0400, NULL, probe_show))
		return -ENOMEM;
	if (!proc_create("exit_probe_nmi", 0600, NULL, &nmi_ops))
		goto remove;
	if (!proc_create("exit_probe_crash", 0200, NULL, &crash_ops))
		goto remove_nmi;
	return register_nmi_handler(NMI_LOCAL, on_nmi, 0, "exit_probe");
remove_nmi:
	remove_proc_entry("exit_probe_nmi", NULL);
remove:
	remove_proc_entry("exit_probe", NULL);
	return -ENOMEM;
}

static void __exit exit_probe_exit(void)
{
	unregister_nmi_handler(NMI_LOCAL, "exit_probe");
	remove_proc_entry("exit_probe_crash", NULL);
	remove_proc_entry("exit_probe_nmi", NULL);
	remove_proc_entry("exit_probe", NULL);
}

module_init(exit_probe_init);
module_exit(exit_probe_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("Tests what the kernel sees of instructions that leave a guest");
