/* SPDX-License-Identifier: MIT */
/*
 * The host's space is built: one to one, without the VMM. Every page of the VMM is replaced by a scratch
 * page, so that a guest that reads or writes all physical memory finds nothing and breaks nothing. The shared
 * region stays readable, the tuning page and the mailbox writable.
 */
#include <stddef.h>

#include <pagetable.h>
#include <plinth/intrinsics.h>
#include <plinth/memory.h>
#include <plinth/vcpu.h>

#include "internal.h"

PLINTH_MODULE("ept", "0.1.0", "second-level translation: one to one, memory types, the VMM hidden");

static struct {
	struct slat_space host;
	bool built; /* the CPU has second-level translation, and the load is over */
	void *scratch;
	uint64_t scratch_pa;
	uint64_t shared_va, shared_end;
	uint64_t tuning_va, mailbox_va;
} ept;

struct slat_space *slat_host(void)
{
	return ept.built ? &ept.host : NULL;
}

/* -- what is hidden ---------------------------------------------------------------------- */

/* Pages in a row that are hidden alike. */
struct hidden {
	uint64_t pa, bytes; /* no bytes: none yet */
	bool shared;
};

static int hide_run(const struct hidden *run)
{
	if (!run->bytes)
		return 0;
	return run->shared
		       ? hidden_add(&ept.host, run->pa, run->bytes, 0, SLAT_READ)
		       : hidden_add(&ept.host, run->pa, run->bytes, ept.scratch_pa, SLAT_READ | SLAT_WRITE);
}

/* pt_walk() callback: one page of the VMM's own address space. */
static int hide_page(void *ctx, const struct pt_leaf *page)
{
	struct hidden *run = ctx;
	bool shared = page->va >= ept.shared_va && page->va < ept.shared_end;
	int err = 0;

	if (page->va == ept.tuning_va || page->va == ept.mailbox_va)
		return 0;
	if (page->pa != run->pa + run->bytes || shared != run->shared) {
		err = hide_run(run);
		*run = (struct hidden){.pa = page->pa, .shared = shared};
	}
	run->bytes += PAGE_4K;
	return err;
}

static uint64_t *paging_table_at(void *ctx, uint64_t pa)
{
	(void)ctx;
	return mem_phys_to_virt(pa);
}

static int hide_vmm(const struct plinth_boot *boot)
{
	const struct pt pt = {.root_pa = boot->root_pgd_pa, .levels = boot->levels, .table = paging_table_at};
	struct hidden run = {0};
	int err = pt_walk(&pt, hide_page, &run);

	if (!err)
		err = hide_run(&run);
	return err ? err : hide_run(&(struct hidden){.pa = boot->launch_pgd_pa, .bytes = PAGE_4K});
}

/* -- life ----------------------------------------------------------------------------------- */

static void ept_fini(void)
{
	watch_fini();
	window_fini();
	spaces_remove(&ept.host);
	mem_page_free(ept.scratch);
	ept.scratch = NULL;
	ept.built = false;
}

static int prepare_memory(const struct plinth_boot *boot)
{
	int err = 0;

	for (uint64_t i = 0; i < boot->n_memory && !err; i++) {
		uint64_t start = boot->memory[i].first * PAGE_1G;

		err = direct_prepare(&ept.host, start, start + boot->memory[i].count * PAGE_1G);
	}
	return err;
}

static int ept_build(const struct plinth_boot *boot)
{
	struct table_kind kind;
	int err = caps_kind(&kind);

	if (err)
		return err;
	table_init(&kind);
	ept.scratch = pages_new(&ept.scratch_pa);
	err = ept.scratch ? 0 : PLINTH_E_NOMEM;
	if (!err)
		err = spaces_add(&ept.host, true, PLINTH_SLAT_SPARE_FOR(kind.large_1g));
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
	if (!caps_has_ept())
		return 0;
	ept.shared_va = boot->shared_va;
	ept.shared_end = boot->shared_va + boot->shared_bytes;
	ept.tuning_va = boot->tuning_va;
	ept.mailbox_va = boot->mailbox_va;
	mtrr_read(&state);
	(void)mtrr_use(&state);
	err = ept_build(boot);
	if (err == PLINTH_E_NOMEM)
		LOG_ERR("the pool of %llu pages is too small for second-level tables; load without the "
			"module ept",
			(unsigned long long)boot->pool_pages);
	ept.built = !err;
	if (err)
		ept_fini();
	return err;
}

static uint64_t ept_root(const struct slat_space *space)
{
	return table_pointer_of(space->root_pa);
}

/* What a CPU maps for itself it does in the host's VMCS, which is current as long as the host is. */
static int ept_flush(struct vcpu *vcpu)
{
	(void)vcpu;
	return touch_settle(false);
}

static int ept_leave(struct vcpu *vcpu)
{
	return vcpu->guest->space == &ept.host ? touch_leave() : 0;
}

static const struct slat slat = {
	.init = ept_init,
	.fini = ept_fini,
	.host = slat_host,
	.root = ept_root,
	.start = types_start,
	.flush = ept_flush,
	.leave = ept_leave,
	.ordinary = spaces_ordinary,
};

__attribute__((constructor)) static void ept_register(void)
{
	vcpu_register_slat(&slat);
	touch_register();
	types_register();
}
