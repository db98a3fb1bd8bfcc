/* SPDX-License-Identifier: MIT */
/*
 * Guests beside the host: memory for them that runs out anywhere, vCPUs of several CPUs, and what a CPU
 * cannot leave.
 */
#include <plinth/guest_memory.h>
#include <plinth/memory.h>
#include <plinth/slat.h>

#include "drivers/common/internal.h"
#include "modules/vcpu/internal.h"
#undef LOG_TAG
#include "modules/vcpu_intel/internal.h"
#include "root/root.h"

#define MOST 4096u

static struct guest other;
static struct vcpu *own[2]; /* the other guest's */
static struct vcpu_system system_of_other;
static int result;
static uint32_t refusals;

static enum exit_action back_to_the_host(struct vcpu *vcpu)
{
	refusals += vcpu->exit.kind == PLINTH_EXIT_ENTRY_FAILURE;
	result = vcpu_choose(vcpu, vcpu->cpu->host);
	return EXIT_SWITCH;
}

static vcpu_exit_fn *const handlers[PLINTH_EXIT_KINDS] = {[0 ... PLINTH_EXIT_KINDS - 1] = back_to_the_host};

static int make(uint64_t n, uint64_t unused)
{
	int err;

	(void)unused;
	other = (struct guest){.space = slat_host(), .handlers = handlers};
	err = guest_init(&other);
	for (uint64_t i = 0; i < n && !err; i++)
		err = vcpu_create(&other, &own[i]);
	return err;
}

static void up(uint32_t n_cpus)
{
	root_loaded(&model_kinds[0], n_cpus);
	cr_assert_eq(root_call(make, 2, 0), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	model.cpu[0].rip = ROOT_RIP;
	model.cpu[0].rsp = model_high((uint64_t)&root_kernel_stack[60]);
	refusals = 0;
}

static void run(vcpu_exit_fn *handler)
{
	result = 1;
	cr_assert_eq(root_run(handler, (struct model_exit){.length = 1}), MODEL_GUEST);
}

/* -- memory runs out ------------------------------------------------------------------------------ */

static void *hoard[MOST];
static uint64_t hoarded;

/* What is left over is taken, but so many pieces. */
static int leave_only(uint64_t pieces, uint64_t bytes)
{
	while (hoarded < MOST &&
	       (hoard[hoarded] = bytes == MEM_PAGE ? mem_page_alloc() : mem_alloc(bytes, 0)))
		hoarded++;
	for (; pieces && hoarded; pieces--)
		bytes == MEM_PAGE ? mem_page_free(hoard[--hoarded]) : mem_free(hoard[--hoarded]);
	return 0;
}

static int give_all_back(uint64_t unused, uint64_t bytes)
{
	(void)unused;
	while (hoarded)
		bytes == MEM_PAGE ? mem_page_free(hoard[--hoarded]) : mem_free(hoard[--hoarded]);
	return 0;
}

static int make_guest(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	other = (struct guest){.space = slat_host(), .handlers = handlers};
	return guest_init(&other);
}

static int unmake_guest(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	guest_fini(&other);
	return 0;
}

static int make_vcpu(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	return vcpu_create(&other, &own[0]);
}

static int unmake_vcpu(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	vcpu_destroy(own[0]);
	return 0;
}

/* Return: with how many pieces there was enough. */
static uint64_t starve(int (*makes)(uint64_t a, uint64_t b), uint64_t bytes)
{
	const struct plinth_shared *shared = core_shared_region(machine.core);
	uint64_t pieces = 0, pages, heap;

	for (int err = 1; err; pieces++) {
		cr_assert_lt(pieces, 300);
		root_call(leave_only, pieces, bytes);
		pages = shared->pool_used;
		heap = shared->heap_used;
		err = root_call(makes, 0, 0);
		if (err) {
			cr_expect_eq(err, PLINTH_E_NOMEM, "%llu pieces", (unsigned long long)pieces);
			cr_expect_eq(shared->pool_used, pages, "%llu pieces", (unsigned long long)pieces);
			cr_expect_eq(shared->heap_used, heap, "%llu pieces", (unsigned long long)pieces);
		}
		root_call(give_all_back, 0, bytes);
	}
	return pieces - 1;
}

Test(vcpu_guests, memory_for_another_guest_runs_out)
{
	root_loaded(&model_kinds[0], 1);
	/* Once, so that the page tables behind its stack are there. */
	cr_assert_eq(root_call(make_guest, 0, 0), 0);
	cr_assert_eq(root_call(make_vcpu, 0, 0), 0);
	root_call(unmake_vcpu, 0, 0);
	root_call(unmake_guest, 0, 0);

	cr_expect_eq(starve(make_guest, MEM_PAGE), 1, "the bitmap of its MSRs");
	root_call(unmake_guest, 0, 0);
	cr_expect_gt(starve(make_guest, 16), 0);
	cr_expect_eq(starve(make_vcpu, MEM_PAGE), PLINTH_ROOT_STACK_PAGES + 1,
		     "a stack, and what is the CPU's");
	root_call(unmake_vcpu, 0, 0);
	cr_expect_gt(starve(make_vcpu, 16), 0);
	root_call(unmake_vcpu, 0, 0);
	root_call(unmake_guest, 0, 0);
	cr_expect_eq(machine_unload(), 0, "%s", machine.report.text);
	root_expect_clean();
}

/* -- several, and several CPUs -------------------------------------------------------------------- */

static enum exit_action load_both(struct vcpu *vcpu)
{
	vendor_system(vcpu, &system_of_other);
	result = vcpu_load(own[0], vcpu->cpu, &system_of_other);
	if (!result)
		result = vcpu_load(own[1], vcpu->cpu, &system_of_other);
	return EXIT_NEXT;
}

static enum exit_action unload_the_first(struct vcpu *vcpu)
{
	(void)vcpu;
	result = vcpu_unload(own[0]);
	return EXIT_NEXT;
}

static enum exit_action load_the_first(struct vcpu *vcpu)
{
	vendor_system(vcpu, &system_of_other);
	result = vcpu_load(own[0], vcpu->cpu, &system_of_other);
	return EXIT_NEXT;
}

static enum exit_action unload_the_host(struct vcpu *vcpu)
{
	result = vcpu_unload(vcpu);
	return EXIT_NEXT;
}

static enum exit_action go_to_the_first(struct vcpu *vcpu)
{
	result = vcpu_choose(vcpu, own[0]);
	vcpu_skip(vcpu);
	return EXIT_SWITCH;
}

Test(vcpu_guests, each_is_held_for_itself)
{
	up(2);
	run(load_both);
	cr_assert_eq(result, 0);
	run(unload_the_host);
	cr_expect_eq(result, PLINTH_E_STATE);
	run(unload_the_first);
	cr_expect_eq(result, 0);
	cr_expect_eq(own[0]->cpu, NULL);
	cr_expect_eq(own[1]->cpu->local.cpu, 0, "the one that was loaded later");
	/* Another CPU's. */
	own[0]->cpu = own[1]->cpu + 1;
	run(load_the_first);
	cr_expect_eq(result, PLINTH_E_BUSY);
	own[0]->cpu = NULL;
	root_expect_clean();
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
	cr_expect_eq(own[1]->cpu, NULL);
}

/* It unloads itself while it is current. */
static enum exit_action unload_oneself(struct vcpu *vcpu)
{
	int err = vcpu_unload(vcpu);

	(void)!vcpu_choose(vcpu, vcpu->cpu->host);
	result = err;
	return EXIT_SWITCH;
}

Test(vcpu_guests, the_current_one_stays)
{
	static const struct model_exit cpuid = {.reason = 10, .length = 2};

	up(1);
	run(load_the_first);
	run(go_to_the_first);
	other.recording[PLINTH_EXIT_CPUID] = unload_oneself;
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(result, PLINTH_E_STATE);
	cr_expect_eq(own[0]->cpu->local.cpu, 0);
	root_expect_clean();
}

/* -- machine checks -------------------------------------------------------------------------------- */

static enum exit_action machine_check_arrives(struct vcpu *vcpu)
{
	event_machine_check(vcpu);
	return EXIT_RETRY;
}

/* It is the CPU's, so the host's: the other guest never sees it. */
Test(vcpu_guests, a_machine_check_is_the_hosts)
{
	static const struct model_exit cpuid = {.reason = 10, .length = 2},
				       vmcall = {.reason = 18, .length = 3};

	up(1);
	run(load_the_first);
	run(go_to_the_first);
	other.recording[PLINTH_EXIT_CPUID] = machine_check_arrives;
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(own[0]->cpu->local.vcpu, own[0], "it goes on");
	root_expect_event(0);
	cr_expect(own[0]->cpu->priv->mc_owed);
	cr_assert_eq(model_exit(0, &vmcall), MODEL_GUEST);
	cr_expect_eq(own[0]->cpu->local.vcpu, own[0]->cpu->host);
	root_timer_exit();
	root_expect_event(0x80000312);
	cr_expect_not(own[0]->cpu->priv->mc_owed);
	root_expect_clean();
}

/* -- second-level translation --------------------------------------------------------------------- */

static int refuse_to_leave(struct vcpu *vcpu)
{
	(void)vcpu;
	return PLINTH_E_VIRT;
}

/* What the CPU maps for itself it cannot put away: the host stays current. */
Test(vcpu_guests, a_space_that_cannot_be_left)
{
	const struct slat *usual;
	struct slat stuck;

	up(1);
	usual = vcpu_common.slat;
	stuck = *usual;
	stuck.leave = refuse_to_leave;
	vcpu_common.slat = &stuck;
	run(load_the_first);
	cr_expect_eq(result, PLINTH_E_VIRT);
	cr_expect_eq(own[0]->cpu, NULL);
	vcpu_common.slat = usual;
	run(load_the_first);
	cr_assert_eq(result, 0);
	vcpu_common.slat = &stuck;
	run(go_to_the_first);
	cr_expect_eq(refusals, 1);
	cr_expect_eq(model.cpu[0].rip, ROOT_RIP + 3, "the host goes on");
	vcpu_common.slat = usual;
	root_expect_clean();
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
}

static int make_in_a_space_of_its_own(uint64_t a, uint64_t b)
{
	struct slat_space *space;
	int err = slat_create(4, &space);

	(void)a;
	(void)b;
	if (!err)
		err = make_guest(0, 0);
	other.space = space;
	return err ? err : make_vcpu(0, 0);
}

Test(vcpu_guests, a_space_of_its_own)
{
	static const struct model_exit cpuid = {.reason = 10, .length = 2};

	root_loaded(&model_kinds[0], 1);
	cr_assert_eq(root_call(make_in_a_space_of_its_own, 0, 0), 0);
	cr_assert_eq(machine_start(), 0, "%s", machine.report.text);
	run(load_the_first);
	cr_assert_eq(result, 0);
	run(go_to_the_first);
	cr_assert_eq(own[0]->cpu->local.vcpu, own[0]);
	cr_assert_eq(model_exit(0, &cpuid), MODEL_GUEST);
	cr_expect_eq(own[0]->cpu->local.vcpu, own[0]->cpu->host);
	root_expect_clean();
	cr_expect_eq(machine_stop(), 0, "%s", machine.report.text);
}

static uint64_t ticket;

static enum exit_action ask(struct vcpu *vcpu)
{
	(void)vcpu;
	ticket = vcpu_flush();
	return EXIT_NEXT;
}

static enum exit_action translate_something(struct vcpu *vcpu)
{
	uint64_t gpa;
	uint32_t error;

	result = guest_translate(vcpu, ROOT_RIP, GUEST_READ, &gpa, &error);
	return EXIT_NEXT;
}

Test(vcpu_guests, without_second_level_translation)
{
	const struct slat *usual;

	up(1);
	usual = vcpu_common.slat;
	vcpu_common.slat = NULL;
	run(ask);
	cr_expect(ticket && vcpu_flushed(ticket), "there is nothing to flush");
	run(translate_something);
	cr_expect_eq(result, PLINTH_E_NOTSUP);
	run(load_the_first);
	cr_expect_eq(result, 0);
	run(go_to_the_first);
	vcpu_common.slat = usual;
	cr_expect_eq(own[0]->cpu->local.vcpu, own[0]);
	root_expect_clean();
}

/* What the host could not flush is flushed before another one goes on. */
Test(vcpu_guests, a_flush_that_failed_is_made_up_for)
{
	static struct model_kind without;
	uint64_t flushes;

	up(1);
	run(load_the_first);
	without = *model.kind;
	without.caps.ept_vpid &= ~(1ull << 26);
	model.kind = &without;
	run(ask);
	cr_expect_eq(ticket, 0);
	model.kind = &model_kinds[0];
	flushes = model.cpu[0].invalidations;
	run(go_to_the_first);
	cr_expect_eq(model.cpu[0].invalidations, flushes + 1);
}
