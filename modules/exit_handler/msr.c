/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR that exit: of MSRs that somebody registered for, of those that Plinth itself looks at
 * (msr_policy.c), and of all that the hardware cannot leave to a guest. In the end the hardware decides: what
 * it refuses becomes the guest's #GP. 0x40000000-0x400000ff belong to hypervisors: we define none of them,
 * but one beneath us may.
 */
#include "internal.h"

#define HYPERVISOR_MSR_FIRST 0x40000000u
#define HYPERVISOR_MSR_LAST  0x400000ffu

static bool is_hypervisor_msr(uint32_t msr)
{
	return msr >= HYPERVISOR_MSR_FIRST && msr <= HYPERVISOR_MSR_LAST;
}

enum exit_action msr_pass(struct vcpu *vcpu, struct exit_msr *access)
{
	int err = PLINTH_E_FAULT;

	if (!is_hypervisor_msr(access->msr) || exit_state.is_beneath)
		err = access->is_write ? vcpu_write_msr(vcpu, access->msr, access->value)
				       : vcpu_read_msr(vcpu, access->msr, &access->value);
	return err ? exit_raise_gp(vcpu) : EXIT_NEXT;
}

static enum exit_action msr_bottom(struct vcpu *vcpu, const struct exit_link *below)
{
	struct exit_msr *access = below->question;
	const struct msr_policy *policy = msr_policy_find(access->msr, below->what);

	return policy ? policy->handler(vcpu, access) : msr_pass(vcpu, access);
}

static enum exit_action call_msr_handler(const struct chain_row *row, struct vcpu *vcpu,
					 const struct exit_link *below)
{
	return row->handler.msr(vcpu, below->question, below, row->context);
}

static enum exit_action access_msr(struct vcpu *vcpu, struct exit_msr *access)
{
	const struct exit_policy *policy = vcpu->guest->policy;
	const struct exit_link top = {
		.policy = policy,
		.n = policy->n,
		.sort = PLINTH_REGISTERED_MSR,
		.what = access->is_write ? VCPU_MSR_WRITE : VCPU_MSR_READ,
		.number = access->msr,
		.question = access,
		.call = call_msr_handler,
		.bottom = msr_bottom,
	};

	return exit_below(vcpu, &top);
}

enum exit_action exit_msr_read(struct vcpu *vcpu)
{
	struct exit_msr access = {.msr = (uint32_t)vcpu->regs.rcx};
	enum exit_action action = access_msr(vcpu, &access);

	if (action != EXIT_NEXT)
		return action;
	vcpu->regs.rax = (uint32_t)access.value;
	vcpu->regs.rdx = access.value >> 32;
	return EXIT_NEXT;
}

enum exit_action exit_msr_write(struct vcpu *vcpu)
{
	struct exit_msr access = {
		.msr = (uint32_t)vcpu->regs.rcx,
		.is_write = true,
		.value = (vcpu->regs.rdx << 32) | (uint32_t)vcpu->regs.rax,
	};

	return access_msr(vcpu, &access);
}

/*
 * RDMSRLIST, WRMSRLIST, URDMSR, UWRMSR: what passes they do by themselves, and so they come here at an MSR
 * outside the bitmap's ranges, where no CPU has one, and at one that is looked at, which must be written one
 * by one. Each of the four then raises #GP; what a list did before that is done, and the register that counts
 * says so already.
 */
enum exit_action exit_msr_list(struct vcpu *vcpu)
{
	LOG_DEBUG("a list of MSRs stops at 0x%llx", (unsigned long long)vcpu_detail(vcpu));
	return exit_raise_gp(vcpu);
}

/* -- which accesses exit ------------------------------------------------------------------ */

static int row_apply(const struct chain_row *row)
{
	return vcpu_msr_exits(guest_host(), (uint32_t)row->first, (uint32_t)row->last, row->what, true);
}

static int rows_apply(void)
{
	const struct exit_policy *policy = &exit_state.policy;
	int err = 0;

	for (uint32_t i = 0; !err && i < policy->n; i++)
		if (policy->rows[i].sort == PLINTH_REGISTERED_MSR)
			err = row_apply(&policy->rows[i]);
	return err;
}

/* After a row is gone: nothing of its range exits but what others, and the policy, want. */
static void range_renew(const struct chain_row *gone)
{
	int err =
		vcpu_msr_exits(guest_host(), (uint32_t)gone->first, (uint32_t)gone->last, gone->what, false);

	if (!err)
		err = rows_apply();
	if (!err)
		err = msr_policy_apply((uint32_t)gone->first, (uint32_t)gone->last);
	if (err)
		LOG_ERR("MSRs 0x%llx to 0x%llx: which of them exit is not known any more: %s",
			(unsigned long long)gone->first, (unsigned long long)gone->last,
			plinth_strerror(err));
}

/* What constructors registered was only judged: it can be done now. */
int msr_init(void)
{
	int err = rows_apply();

	return err ? err : msr_policy_apply(0, UINT32_MAX);
}

static struct chain_row msr_row(uint32_t first, uint32_t last, uint32_t what, exit_msr_fn *handler,
				void *context)
{
	return (struct chain_row){.sort = PLINTH_REGISTERED_MSR,
				  .what = what,
				  .first = first,
				  .last = last,
				  .handler.msr = handler,
				  .context = context};
}

int exit_register_msr(uint32_t first, uint32_t last, uint32_t what, exit_msr_fn *handler, void *context)
{
	const struct chain_row row = msr_row(first, last, what, handler, context);
	int err = what & ~(VCPU_MSR_READ | VCPU_MSR_WRITE) ? PLINTH_E_INVAL : chain_add(&row);

	if (err)
		return err;
	err = row_apply(&row);
	if (err)
		(void)!chain_remove(&row);
	return err;
}

int exit_unregister_msr(uint32_t first, uint32_t last, uint32_t what, exit_msr_fn *handler, void *context)
{
	const struct chain_row row = msr_row(first, last, what, handler, context);
	int err = chain_remove(&row);

	if (!err)
		range_renew(&row);
	return err;
}
