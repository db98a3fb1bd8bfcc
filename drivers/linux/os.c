// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* drivers/common/os.h for Linux, with exported symbols only. */
#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/vmalloc.h>
#include <asm/asm.h>
#include <asm/io.h>
#include <asm/msr.h>
#include <asm/vmx.h>

#include <plinth/boot.h>

#include "drivers/common/os.h"
#include "drivers/linux/kernel.h"
#include "drivers/linux/linux.h"

static DEFINE_MUTEX(command_mutex);

/* -- memory ---------------------------------------------------------------- */

/* Contiguous: alloc_pages_exact() aligns to the power of two it rounds up to. */
static void *alloc_contiguous(size_t bytes, size_t align)
{
	size_t whole = max(bytes, align);
	u8 *memory = alloc_pages_exact(whole, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);

	if (memory && whole > bytes)
		free_pages_exact(memory + bytes, whole - bytes);
	return memory;
}

/* Nobody is made to move for it. NULL if memory is too fragmented, or too little. */
static void *alloc_easily(size_t bytes)
{
	if (get_order(bytes) > KERNEL_MAX_PAGE_ORDER)
		return NULL;
	return alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_NORETRY);
}

void *os_alloc_pages(size_t pages, size_t align)
{
	size_t bytes = pages * PAGE_SIZE;
	void *memory;

	if (align > PAGE_SIZE)
		return alloc_contiguous(bytes, align);
	/* In one piece it takes fewer page tables to hide it from the guest. */
	memory = alloc_easily(bytes);
	if (memory)
		return memory;
	/* Rather no memory for us than the OOM killer for others. */
	return __vmalloc(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
}

void os_free_pages(void *memory, size_t pages)
{
	if (is_vmalloc_addr(memory))
		vfree(memory);
	else
		free_pages_exact(memory, pages * PAGE_SIZE);
}

uint64_t os_virt_to_phys(const void *memory)
{
	if (is_vmalloc_addr(memory))
		return PFN_PHYS(vmalloc_to_pfn(memory)) + offset_in_page(memory);
	return virt_to_phys((void *)memory);
}

/* The kernel counts memory in sections; one that is online has some. */
static unsigned long next_section(unsigned long from)
{
	unsigned long best = ULONG_MAX, pfn;
	int node;

	for_each_online_node(node)
	{
		pfn = max(from, node_start_pfn(node)) & PAGE_SECTION_MASK;
		for (; pfn < min(node_end_pfn(node), best); pfn += PAGES_PER_SECTION) {
			if (pfn_to_online_page(pfn)) {
				best = pfn;
				break;
			}
		}
	}
	return best;
}

bool os_next_memory(uint64_t from, uint64_t *start, uint64_t *end)
{
	unsigned long pfn = next_section(PHYS_PFN(from));

	if (pfn == ULONG_MAX)
		return false;
	*start = PFN_PHYS(pfn);
	while (pfn_to_online_page(pfn))
		pfn += PAGES_PER_SECTION;
	*end = PFN_PHYS(pfn);
	return true;
}

/* The register is there with EPT or VPID alone; whoever has neither faults, and has no such pages. */
bool os_slat_gib_pages(void)
{
	u64 capabilities;

	return !kernel_rdmsr_safe(MSR_IA32_VMX_EPT_VPID_CAP, &capabilities) &&
	       capabilities & VMX_EPT_1GB_PAGE_BIT;
}

/* -- CPUs ------------------------------------------------------------------ */

uint32_t os_cpu_count(void)
{
	return nr_cpu_ids;
}

bool os_cpu_is_online(uint32_t cpu)
{
	return cpu < nr_cpu_ids && cpu_online(cpu);
}

struct run {
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static void run_here(void *arg)
{
	struct run *run = arg;

	run->result = run->fn(run->arg);
}

int os_run_on(uint32_t cpu, int (*fn)(void *arg), void *arg, int *result)
{
	struct run run = {.fn = fn, .arg = arg};

	/* A set of modules can have many functions to call, one after the other. */
	cond_resched();
	if (!os_cpu_is_online(cpu) || smp_call_function_single(cpu, run_here, &run, 1))
		return PLINTH_E_STATE;
	*result = run.result;
	return 0;
}

/* -- this and that --------------------------------------------------------- */

bool os_relax(void)
{
	cond_resched();
	return !fatal_signal_pending(current);
}

/*
 * Two locks in this order, and the callbacks of hot-plug, which run with the second one held for writing,
 * never take the first: who has it may be at something that takes long, and the whole system would wait with
 * them.
 */
void os_lock(void)
{
	mutex_lock(&command_mutex);
}

void os_unlock(void)
{
	mutex_unlock(&command_mutex);
}

bool linux_wait_for_turn(void)
{
	if (mutex_lock_killable(&command_mutex))
		return false;
	mutex_unlock(&command_mutex);
	return true;
}

void os_cpus_lock(void)
{
	cpus_read_lock();
}

void os_cpus_unlock(void)
{
	cpus_read_unlock();
}

void os_log(enum os_log_level level, const char *line)
{
	static const char *const prefix[] = {KERN_ERR, KERN_WARNING, KERN_INFO};

	printk("%splinth: %s\n", prefix[level], line);
}

uint64_t os_random(void)
{
	return get_random_u64();
}

uint64_t os_ticks(void)
{
	return rdtsc_ordered();
}

uint32_t os_paging_levels(void)
{
	return pgtable_l5_enabled() ? 5 : 4;
}

void os_kernel_half(uint64_t *table)
{
	const u64 *kernel = __va(read_cr3_pa());
	size_t i;

	for (i = PTRS_PER_PGD / 2; i < PTRS_PER_PGD; i++) {
		u64 entry = READ_ONCE(kernel[i]);

		if (READ_ONCE(table[i]) != entry)
			WRITE_ONCE(table[i], entry);
	}
}

/* -- the gate -------------------------------------------------------------- */

int os_vmm_call(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint64_t arg0, uint64_t arg1)
{
	u64 cet = kernel_landing_pads_off();
	int result = gate_call(launch_pa, stack_top, fn, arg0, arg1);

	kernel_landing_pads_restore(cet);
	return result;
}

int os_vmm_start(uint64_t launch_pa, uint64_t stack_top, uint64_t fn, uint32_t cpu)
{
	u64 cet = kernel_landing_pads_off();
	int result = gate_start(launch_pa, stack_top, fn, cpu);

	kernel_landing_pads_restore(cet);
	return result;
}

int os_vmm_stop(const uint64_t token[2])
{
	u64 cet = kernel_landing_pads_off();
	int err = gate_stop(token[0], token[1], PLINTH_HYPERCALL_STOP, PLINTH_E_VIRT) ? PLINTH_E_VIRT : 0;

	/* On its way back the VMM runs some code with the kernel's CR4. */
	kernel_landing_pads_restore(cet);
	return err;
}

/*
 * RAX, RCX, RDX, RDI and RSI of a hypercall that wants the token, in RCX and RDX; and what becomes of the
 * last three.
 */
struct hypercall {
	u64 number, rdi, rsi, rdx;
};

/* Where no VMM is, VMCALL is an undefined instruction, and RAX stays the number. */
static int make_hypercall(struct hypercall *call, const uint64_t token[2])
{
	u64 answer = call->number;

	call->rdx = token[1];
	asm volatile("1: vmcall\n2:\n" _ASM_EXTABLE(1b, 2b)
		     : "+a"(answer), "+d"(call->rdx), "+D"(call->rdi), "+S"(call->rsi)
		     : "c"(token[0])
		     : "memory");
	return answer == call->number ? PLINTH_E_VIRT : (int)answer;
}

int os_vmm_map(const uint64_t token[2], uint32_t table, uint64_t from, struct plinth_ctl_map *out)
{
	struct hypercall call = {.number = PLINTH_HYPERCALL_MAPS, .rdi = table, .rsi = from};
	int err = make_hypercall(&call, token);

	if (err)
		return err;
	out->va = call.rdi;
	out->bytes = call.rsi;
	out->flags = call.rdx;
	return 0;
}

int os_vmm_ask(const uint64_t token[2])
{
	struct hypercall call = {.number = PLINTH_HYPERCALL_CALL};

	return make_hypercall(&call, token);
}

void os_gate_addresses(uint64_t *stop_rip, uint64_t *land)
{
	*stop_rip = (unsigned long)gate_stop_insn;
	*land = (unsigned long)gate_land;
}

#define LASS (1ul << 27) /* X86_CR4_LASS, which this kernel may not know */

/* Linear-address space separation: the kernel's code faults in the lower half, where the VMM lies. */
int os_gate_check(const char **why)
{
	if (!(__read_cr4() & LASS))
		return 0;
	*why = "CR4.LASS is set: no kernel code can run where the VMM lies, boot the kernel with "
	       "clearcpuid=lass";
	return PLINTH_E_NOTSUP;
}

/* Page-table isolation: a process has two sets of tables, told apart by a bit of CR3 (and of the PCID). */
#define USER_TABLES ((u64)PAGE_SIZE)
#define USER_PCID   (1ull << X86_CR3_PTI_PCID_USER_BIT)

void os_gate_user(uint64_t *land_user, uint64_t *user_cr3)
{
	bool isolated = cpu_feature_enabled(X86_FEATURE_PTI);

	gate_kernel_cr3 = isolated ? ~(USER_TABLES | USER_PCID) : ~0ull;
	*land_user = (unsigned long)gate_land_user;
	*user_cr3 = isolated ? USER_TABLES : 0;
}

void os_cpu_claim(void)
{
	kernel_show_cr4(X86_CR4_VMXE, 0);
	watch_start();
}

void os_cpu_unclaim(void)
{
	watch_stop();
	kernel_show_cr4(0, X86_CR4_VMXE);
}
