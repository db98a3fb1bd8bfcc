/* SPDX-License-Identifier: MIT */
/*
 * One to one, without the VMM: every page of the VMM is replaced by a scratch page, so
 * that a guest that reads or writes all physical memory finds nothing and breaks
 * nothing. The shared region stays readable, the tuning page writable.
 */
#include <stddef.h>

#include <pagetable.h>
#include <plinth/exit_handler.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/vcpu.h>

#include "internal.h"

PLINTH_MODULE("ept", "0.1.0", "second-level translation: one to one, memory types, the VMM hidden");

#define MSR_EPT_VPID_CAP  MSR_IA32_VMX_EPT_VPID_CAP
#define CAN_SECONDARY	  (1ull << 63) /* allowed-1 half of the primary controls */
#define CAN_EPT		  (1ull << 33) /* of the secondary controls */
#define CAP_WALK_4	  (1ull << 6)
#define CAP_WB		  (1ull << 14)
#define CAP_2M		  (1ull << 16)
#define CAP_1G		  (1ull << 17)
#define CAP_INVEPT	  (1ull << 20)
#define CAP_INVEPT_ALL	  (1ull << 26)
#define CAP_NEEDED	  (CAP_WALK_4 | CAP_WB | CAP_2M | CAP_INVEPT | CAP_INVEPT_ALL)
#define EPTP_WALK_4	  (3ull << 3)
#define INVEPT_ALL	  2
#define FIRST_FILL	  (4 * PAGE_1G) /* mapped at once where every further GiB costs a table */
#define VIOLATION_MAPPED  0x38ull	/* of the qualification: what the translation allowed */

static struct {
	uint64_t end; /* of guest-physical memory */
	void *scratch;
	uint64_t scratch_pa;
	uint64_t shared_va, shared_end;
	uint64_t tuning_va;
	bool large_1g;
} ept;

/* The capability MSR exists only where the CPU can do EPT or VPID at all. */
static bool has_ept(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.ecx & CPUID_1_ECX_VMX && cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS) & CAN_SECONDARY &&
	       cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) & CAN_EPT;
}

static int caps_check(void)
{
	uint64_t caps = cpu_rdmsr(MSR_EPT_VPID_CAP);

	if ((caps & CAP_NEEDED) == CAP_NEEDED) {
		ept.large_1g = caps & CAP_1G;
		return 0;
	}
	LOG_ERR("the CPU's EPT lacks 0x%llx of IA32_VMX_EPT_VPID_CAP; load without the module ept",
		(unsigned long long)(CAP_NEEDED & ~caps));
	return PLINTH_E_NOTSUP;
}

static unsigned int address_bits(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(0x80000008, 0, &leaf);
	return leaf.eax & 0xff;
}

/* pt_walk() callback: one page of the VMM's own address space. */
static int hide_page(void *ctx, const struct pt_leaf *leaf)
{
	bool shared = leaf->va >= ept.shared_va && leaf->va < ept.shared_end;

	(void)ctx;
	if (leaf->va == ept.tuning_va)
		return 0;
	if (shared)
		return ept_set_page(leaf->pa, leaf->pa, EPT_READ);
	return ept_set_page(leaf->pa, ept.scratch_pa, EPT_READ | EPT_WRITE);
}

static uint64_t *table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static int hide_vmm(const struct plinth_boot *boot)
{
	const struct pt pt = { .root_pa = boot->root_pgd_pa, .levels = boot->levels, .table = table_at };
	int err = pt_walk(&pt, hide_page, NULL);

	return err ? err : ept_set_page(boot->launch_pgd_pa, ept.scratch_pa, EPT_READ | EPT_WRITE);
}

static int scratch_alloc(void)
{
	ept.scratch = mem_page_alloc();
	if (!ept.scratch)
		return PLINTH_E_NOMEM;
	return mem_virt_to_phys(ept.scratch, &ept.scratch_pa);
}

static void ept_fini(void)
{
	table_fini();
	mem_page_free(ept.scratch);
	ept.scratch = NULL;
}

static int ept_build(const struct plinth_boot *boot)
{
	int err = caps_check();

	if (!err)
		err = scratch_alloc();
	if (!err)
		err = table_init(ept.large_1g);
	if (!err)
		err = table_fill(0, ept.large_1g || ept.end < FIRST_FILL ? ept.end : FIRST_FILL);
	return err ? err : hide_vmm(boot);
}

static int ept_init(const struct plinth_boot *boot)
{
	unsigned int bits = address_bits();
	int err;

	/* Without EPT there is nothing to build; vcpu_check() refuses such a CPU with its reason. */
	if (!has_ept())
		return 0;
	/* Four levels reach 48 bits. */
	ept.end = 1ull << (bits > 48 ? 48 : bits < 30 ? 30 : bits);
	ept.shared_va = boot->shared_va;
	ept.shared_end = boot->shared_va + boot->shared_bytes;
	ept.tuning_va = boot->tuning_va;
	mtrr_read(bits);
	err = ept_build(boot);
	if (err)
		ept_fini();
	return err;
}

static uint64_t ept_root(void)
{
	return table_root() | EPTP_WALK_4 | TYPE_WB;
}

void ept_flush(void)
{
	if (cpu_invept(INVEPT_ALL, 0))
		LOG_ERR("INVEPT failed");
}

/* Beyond what was mapped at first: another GiB, once somebody wants it. */
static enum exit_action ept_violation(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	uint64_t gpa = vcpu_guest_physical(vcpu), start = gpa & ~(PAGE_1G - 1);

	(void)below;
	(void)context;
	if (vcpu_qualification(vcpu) & VIOLATION_MAPPED || gpa >= ept.end) {
		LOG_WARN("guest may not touch physical 0x%llx (RIP 0x%llx)", (unsigned long long)gpa,
			 (unsigned long long)vcpu->exit.rip);
		vcpu_inject(vcpu, VECTOR_GP, true, 0);
		return EXIT_RETRY;
	}
	LOG_DEBUG("maps the GiB at physical 0x%llx (RIP 0x%llx)", (unsigned long long)start,
		  (unsigned long long)vcpu->exit.rip);
	if (table_fill(start, start + PAGE_1G)) {
		LOG_ERR("no memory to map physical 0x%llx", (unsigned long long)gpa);
		return EXIT_FATAL;
	}
	return EXIT_RETRY;
}

static const struct vcpu_slat slat = { .init = ept_init, .fini = ept_fini, .root = ept_root, .flush = ept_flush };

__attribute__((constructor)) static void ept_register(void)
{
	vcpu_register_slat(&slat);
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, ept_violation,
				  NULL);
}
