/* SPDX-License-Identifier: MIT */
/*
 * One to one, without the VMM: every page of the VMM is replaced by a scratch page, so
 * that a guest that reads or writes all physical memory finds nothing and breaks
 * nothing. The shared region stays readable, the tuning page and the mailbox writable.
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
#define CAP_EXECUTE_ONLY  (1ull << 0)
#define CAP_WALK_4	  (1ull << 6)
#define CAP_WALK_5	  (1ull << 7)
#define CAP_WB		  (1ull << 14)
#define CAP_2M		  (1ull << 16)
#define CAP_1G		  (1ull << 17)
#define CAP_INVEPT	  (1ull << 20)
#define CAP_INVEPT_ALL	  (1ull << 26)
#define CAP_NEEDED	  (CAP_WALK_4 | CAP_WB | CAP_2M | CAP_INVEPT | CAP_INVEPT_ALL)
#define REACH_4		  48u /* address bits that four levels reach */

static struct {
	void *scratch;
	uint64_t scratch_pa;
	uint64_t shared_va, shared_end;
	uint64_t tuning_va, mailbox_va;
} ept;

/* The capability MSR exists only where the CPU can do EPT or VPID at all. */
static bool has_ept(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(1, 0, &leaf);
	return leaf.ecx & CPUID_1_ECX_VMX && cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS) & CAN_SECONDARY &&
	       cpu_rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) & CAN_EPT;
}

static unsigned int address_bits(void)
{
	struct cpu_leaf leaf;

	cpu_cpuid(0x80000008, 0, &leaf);
	return leaf.eax & 0xff;
}

static uint64_t reach(unsigned int levels)
{
	unsigned int bits = address_bits();

	return 1ull << (levels == 4 && bits > REACH_4 ? REACH_4 : bits < 30 ? 30 : bits);
}

static int kind_read(struct table_kind *out)
{
	uint64_t caps = cpu_rdmsr(MSR_EPT_VPID_CAP);

	if ((caps & CAP_NEEDED) != CAP_NEEDED) {
		LOG_ERR("the CPU's EPT lacks 0x%llx of IA32_VMX_EPT_VPID_CAP; load without the module ept",
			(unsigned long long)(CAP_NEEDED & ~caps));
		return PLINTH_E_NOTSUP;
	}
	out->large_1g = caps & CAP_1G;
	out->execute_only = caps & CAP_EXECUTE_ONLY;
	out->levels = caps & CAP_WALK_5 && address_bits() > REACH_4 ? 5 : 4;
	out->reach = reach(out->levels);
	return 0;
}

/* -- what is hidden ---------------------------------------------------------------------- */

/* pt_walk() callback: one page of the VMM's own address space. */
static int hide_page(void *ctx, const struct pt_leaf *page)
{
	bool shared = page->va >= ept.shared_va && page->va < ept.shared_end;

	(void)ctx;
	if (page->va == ept.tuning_va || page->va == ept.mailbox_va)
		return 0;
	if (shared)
		return ept_set_page(page->pa, page->pa, EPT_READ);
	return ept_set_page(page->pa, ept.scratch_pa, EPT_READ | EPT_WRITE);
}

static uint64_t *paging_table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static int hide_vmm(const struct plinth_boot *boot)
{
	const struct pt pt = { .root_pa = boot->root_pgd_pa, .levels = boot->levels, .table = paging_table_at };
	int err = pt_walk(&pt, hide_page, NULL);

	return err ? err : ept_set_page(boot->launch_pgd_pa, ept.scratch_pa, EPT_READ | EPT_WRITE);
}

/* -- life ----------------------------------------------------------------------------------- */

static int scratch_alloc(void)
{
	ept.scratch = mem_page_alloc();
	if (!ept.scratch)
		return PLINTH_E_NOMEM;
	return mem_virt_to_phys(ept.scratch, &ept.scratch_pa);
}

static void ept_fini(void)
{
	window_fini();
	table_fini();
	mem_page_free(ept.scratch);
	ept.scratch = NULL;
}

static int prepare_memory(const struct plinth_boot *boot)
{
	int err = 0;

	for (uint64_t i = 0; i < boot->n_memory && !err; i++) {
		uint64_t start = boot->memory[i].first * PAGE_1G;

		err = table_prepare(start, start + boot->memory[i].count * PAGE_1G);
	}
	return err;
}

static int ept_build(const struct plinth_boot *boot)
{
	struct table_kind kind;
	int err = kind_read(&kind);

	if (!err)
		err = scratch_alloc();
	if (!err)
		err = table_init(&kind, PLINTH_SLAT_SPARE_FOR(kind.large_1g));
	if (!err)
		err = window_init(boot->n_cpus, (struct plinth_shared *)boot->shared_va);
	if (!err)
		err = prepare_memory(boot);
	return err ? err : hide_vmm(boot);
}

static int ept_init(const struct plinth_boot *boot)
{
	struct mtrr_state state;
	int err;

	/* Without EPT there is nothing to build; vcpu_check() refuses such a CPU with its reason. */
	if (!has_ept())
		return 0;
	ept.shared_va = boot->shared_va;
	ept.shared_end = boot->shared_va + boot->shared_bytes;
	ept.tuning_va = boot->tuning_va;
	ept.mailbox_va = boot->mailbox_va;
	mtrr_read(&state, address_bits());
	(void)mtrr_use(&state);
	err = ept_build(boot);
	if (err == PLINTH_E_NOMEM)
		LOG_ERR("the pool of %llu pages is too small for second-level tables; load without the module ept",
			(unsigned long long)boot->pool_pages);
	if (err)
		ept_fini();
	return err;
}

/* -- one CPU ---------------------------------------------------------------------------------- */

/* @starts: it has no VMCS yet. */
static int ept_settle_cpu(bool starts)
{
	uint32_t cpu = cpu_local()->cpu;
	int err = 0;

	table_lock();
	if (starts)
		window_forget(cpu);
	else
		err = window_close(cpu);
	if (!err)
		err = window_flush();
	table_unlock();
	if (err)
		LOG_ERR("INVEPT failed");
	return err;
}

int ept_flush(void)
{
	return ept_settle_cpu(false);
}

static int take_over(const struct mtrr_state *state, bool starts)
{
	bool changed;

	table_lock();
	table_reach(reach(table_kind()->levels));
	changed = mtrr_use(state);
	if (changed)
		table_retype();
	table_unlock();
	if (changed)
		LOG_INFO("memory types have changed");
	return ept_settle_cpu(starts);
}

/* What the firmware or the kernel changed since somebody looked last, in a sleep or on this CPU alone. */
static int ept_start(void)
{
	struct mtrr_state state;

	mtrr_read(&state, address_bits());
	return take_over(&state, true);
}

/* -- what the guest touches ------------------------------------------------------------------- */

enum verdict { GO_ON, FORBIDDEN, NO_TABLES, NO_FLUSH, LATER };

/* Is it always this instruction, and does it get anywhere? REP counts in RCX and moves RSI and RDI. */
static bool is_stuck(struct vcpu *vcpu)
{
	const uint64_t where[WINDOW_WHERE] = { vcpu->exit.rip, vcpu->regs.rcx, vcpu->regs.rsi, vcpu->regs.rdi,
					       vcpu_read(vcpu, VCPU_RSP) };

	return window_stuck(vcpu->local.cpu, where);
}

/* For one instruction: behind it, or behind the fault it is refused with, ept_stepped() gives back what was lent. */
static int borrow(struct vcpu *vcpu)
{
	uint32_t cpu = vcpu->local.cpu;
	int err = window_borrow(cpu);

	if (!err && vcpu_step(vcpu, true))
		err = window_return(cpu) ? PLINTH_E_VIRT : PLINTH_E_NOMEM;
	return err;
}

static int open(struct vcpu *vcpu, uint64_t gpa)
{
	int err = window_open(vcpu->local.cpu, gpa);

	if (err != PLINTH_E_NOMEM)
		return err;
	err = borrow(vcpu);
	return err ? err : window_open(vcpu->local.cpu, gpa);
}

static enum verdict open_window(struct vcpu *vcpu, uint64_t gpa)
{
	switch (is_stuck(vcpu) ? PLINTH_E_NOMEM : open(vcpu, gpa)) {
	case 0: return GO_ON;
	case PLINTH_E_NOMEM: return NO_TABLES;
	case PLINTH_E_BUSY: return LATER;
	default: return NO_FLUSH;
	}
}

/*
 * Mapped meanwhile, by another CPU or in another's tables: try again. Forbidden: not ours. Not there: it is from now on.
 */
static enum verdict judge_access(struct vcpu *vcpu, uint64_t gpa, uint64_t wanted)
{
	unsigned int level;
	uint64_t entry = gpa < table_kind()->reach ? table_find(gpa, &level) : 0;

	if (gpa >= table_kind()->reach || (entry && (entry & wanted) != wanted))
		return FORBIDDEN;
	if (!entry && table_map(gpa))
		return open_window(vcpu, gpa);
	return window_follow(vcpu->local.cpu, gpa) ? NO_FLUSH : GO_ON;
}

static enum exit_action refuse_access(struct vcpu *vcpu, const char *why)
{
	struct vcpu_memory_access access;

	vcpu_memory_access(vcpu, &access);
	LOG_WARN("guest may not touch physical 0x%llx (RIP 0x%llx): %s", (unsigned long long)access.address,
		 (unsigned long long)vcpu->exit.rip, why);
	vcpu_inject(vcpu, VECTOR_GP, true, 0);
	return EXIT_RETRY;
}

/* What somebody decided about is for whoever did; at the bottom of the chain the access is refused. */
static enum exit_action ept_violation(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	struct vcpu_memory_access access;
	enum verdict verdict;

	(void)context;
	vcpu_memory_access(vcpu, &access);
	table_lock();
	verdict = judge_access(vcpu, access.address, access.wanted);
	table_unlock();
	switch (verdict) {
	case FORBIDDEN: return exit_below(vcpu, below);
	case NO_TABLES: return refuse_access(vcpu, "too few tables");
	case NO_FLUSH: return refuse_access(vcpu, "INVEPT failed");
	default: return EXIT_RETRY;
	}
}

static enum exit_action ept_stepped(struct vcpu *vcpu, const struct exit_link *below, void *context)
{
	uint32_t cpu = vcpu->local.cpu;
	bool ours;
	int err = 0;

	(void)context;
	table_lock();
	ours = window_borrows(cpu);
	if (ours)
		err = window_return(cpu);
	table_unlock();
	if (!ours)
		return exit_below(vcpu, below);
	/* As long as the CPU cannot be told to leave the tables alone it comes back. */
	if (!err)
		err = vcpu_step(vcpu, false);
	if (err)
		LOG_ERR("the CPU keeps what it was lent");
	return EXIT_RETRY;
}

/* -- memory types that change while a guest runs ------------------------------------------------- */

#define MSR_VARIABLE_FIRST 0x200u
#define MSR_VARIABLE_LAST  0x24fu
#define MSR_FIXED_64K	   0x250u
#define MSR_FIXED_16K	   0x258u
#define MSR_FIXED_4K	   0x268u
#define MSR_FIXED_LAST	   0x26fu
#define MSR_DEFAULT	   0x2ffu

/*
 * A kernel switches caches and MTRRs off, writes them, and switches them on again, on each CPU (SDM, "MTRR Considerations
 * in MP Systems"). With caches off the tables' types do not count, so what stands there in between is not taken over; the
 * first CPU to be ready changes the tables, the others find them so, and each drops what it remembers.
 */
static enum exit_action ept_mtrr_written(struct vcpu *vcpu, struct exit_msr *access, const struct exit_link *below, void *context)
{
	enum exit_action action = exit_below(vcpu, below);
	struct mtrr_state state;

	(void)access;
	(void)context;
	if (action != EXIT_NEXT || !ept.scratch)
		return action;
	mtrr_read(&state, address_bits());
	if (state.enabled || !(vcpu_read(vcpu, VCPU_CR0) & CR0_CD))
		(void)!take_over(&state, false);
	return action;
}

static const struct {
	uint32_t first, last;
} mtrr_msrs[] = {
	{ MSR_VARIABLE_FIRST, MSR_VARIABLE_LAST }, { MSR_FIXED_64K, MSR_FIXED_64K },
	{ MSR_FIXED_16K, MSR_FIXED_16K + 1 },	   { MSR_FIXED_4K, MSR_FIXED_LAST },
	{ MSR_DEFAULT, MSR_DEFAULT },
};

static const struct slat slat = { .init = ept_init, .fini = ept_fini, .root = table_pointer, .flush = ept_start };

__attribute__((constructor)) static void ept_register(void)
{
	vcpu_register_slat(&slat);
	(void)!exit_register_kind(PLINTH_EXIT_SLAT_VIOLATION, PLINTH_EXIT_SLAT_VIOLATION, ept_violation, NULL);
	(void)!exit_register_kind(PLINTH_EXIT_STEP, PLINTH_EXIT_STEP, ept_stepped, NULL);
	for (size_t i = 0; i < sizeof(mtrr_msrs) / sizeof(mtrr_msrs[0]); i++)
		(void)!exit_register_msr(mtrr_msrs[i].first, mtrr_msrs[i].last, VCPU_MSR_WRITE, ept_mtrr_written, NULL);
}
