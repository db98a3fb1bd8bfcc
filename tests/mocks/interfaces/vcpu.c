/* SPDX-License-Identifier: MIT */
/*
 * A vCPU without VT-x. Its guest is a pretence of the model CPU's: the system goes on after the
 * start, and what exits comes here, with the registers in a table instead of a VMCS.
 */
#include <string.h>

#include <plinth/memory.h>
#include <plinth/vcpu.h>
#include <plinth/x86.h>

#include "variant.h"

PLINTH_MODULE("mock_vcpu", "0.1.0", "a vCPU that pretends: no VT-x behind it (tests)");

#define STACK_PAGES 2

struct vcpu_private {
	struct pretence guest;
	uint64_t fs_base;
	struct cpu_handback back;
};

static uint64_t land;
static struct plinth_shared *shared;

/* Neither is asked for anything: nothing is translated, no entry can fail. */
void vcpu_register_slat(const struct vcpu_slat *slat)
{
	(void)slat;
}

void vcpu_register_entry_check(vcpu_entry_check_fn *check)
{
	(void)check;
}

int vcpu_init(const struct plinth_boot *boot)
{
	if (!mock_ready)
		return PLINTH_E_STATE;
	if (mock_fails("vcpu_init"))
		return PLINTH_E_NOMEM;
	land = boot->land;
	shared = (struct plinth_shared *)boot->shared_va;
	return 0;
}

void vcpu_fini(void)
{
	shared = NULL;
}

int vcpu_check(void)
{
	return mock_fails("vcpu_check") ? PLINTH_E_NOTSUP : 0;
}

/* -- exits ------------------------------------------------------------------------------ */

static uint32_t kind_of(uint64_t reason)
{
	switch (reason) {
	case 10: return PLINTH_EXIT_CPUID;
	case 18: return PLINTH_EXIT_HYPERCALL;
	case 28: return PLINTH_EXIT_CR_ACCESS;
	case 31: return PLINTH_EXIT_MSR_READ;
	case 32: return PLINTH_EXIT_MSR_WRITE;
	default: return PLINTH_EXIT_OTHER;
	}
}

static enum exit_action on_exit(struct vcpu *vcpu)
{
	vcpu->exit.kind = kind_of(vcpu->exit.reason);
	return vcpu->handlers[vcpu->exit.kind](vcpu);
}

/* What the landing pops lies below the system's stack pointer (see boot.h). */
static __attribute__((noreturn)) void leave(struct vcpu *vcpu)
{
	struct vcpu_private *p = vcpu->priv;
	uint64_t *frame = (uint64_t *)p->guest.reg[VCPU_RSP] - 3;

	frame[0] = vcpu->regs.rdi;
	frame[1] = p->guest.reg[VCPU_RFLAGS];
	frame[2] = p->guest.reg[VCPU_RIP];
	memcpy(&p->back, &vcpu->regs, sizeof(vcpu->regs));
	p->back.rsp = (uint64_t)frame;
	p->back.land = land;
	cpu_write_cr4(p->guest.reg[VCPU_CR4] & ~CR4_VMXE);
	vcpu->shared->state = PLINTH_CPU_READY;
	cpu_restore_local(p->fs_base);
	cpu_hand_back(&p->back, p->guest.reg[VCPU_CR3]);
}

static void on_action(struct vcpu *vcpu, enum exit_action action)
{
	uint64_t *rip = &vcpu->priv->guest.reg[VCPU_RIP];

	if (action == EXIT_NEXT || action == EXIT_LEAVE)
		*rip += vcpu->exit.length;
	if (action == EXIT_LEAVE || action == EXIT_FATAL)
		leave(vcpu);
}

/* -- life ---------------------------------------------------------------------------------- */

int vcpu_create(uint32_t cpu, vcpu_exit_fn *const *handlers, struct vcpu **out)
{
	struct vcpu_private *p = mock_fails("vcpu_create") ? NULL : mem_alloc(sizeof(*p), 0);
	char *top = p ? mem_stack_alloc(STACK_PAGES) : NULL;
	struct vcpu *vcpu;

	if (!top) {
		mem_free(p);
		return PLINTH_E_NOMEM;
	}
	vcpu = (struct vcpu *)((uint64_t)(top - sizeof(*vcpu)) & ~15ull);
	vcpu->on_exit = on_exit;
	vcpu->on_action = on_action;
	vcpu->handlers = handlers;
	vcpu->shared = plinth_shared_own(shared, cpu);
	vcpu->local = (struct cpu_local){.self = &vcpu->local, .cpu = cpu, .vcpu = vcpu};
	vcpu->priv = p;
	*out = vcpu;
	return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	uint64_t top = ((uint64_t)vcpu + sizeof(*vcpu) + MEM_PAGE - 1) & ~(uint64_t)(MEM_PAGE - 1);

	mem_free(vcpu->priv);
	mem_stack_free((void *)top, STACK_PAGES);
}

int vcpu_start(struct vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t cr3, uint64_t fs_base)
{
	struct vcpu_private *p = vcpu->priv;

	if (mock_fails("vcpu_start"))
		return PLINTH_E_VMX;
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	p->fs_base = fs_base;
	p->guest.reg[VCPU_RIP] = rip;
	p->guest.reg[VCPU_RSP] = rsp;
	p->guest.reg[VCPU_RFLAGS] = RFLAGS_FIXED;
	p->guest.reg[VCPU_CR0] = cpu_read_cr0();
	p->guest.reg[VCPU_CR2] = cpu_read_cr2();
	p->guest.reg[VCPU_CR3] = cr3;
	p->guest.reg[VCPU_CR4] = cpu_read_cr4();
	p->guest.reg[VCPU_FS_BASE] = fs_base;
	vcpu->shared->state = PLINTH_CPU_GUEST;
	MODEL->pretend(vcpu, &p->guest);
}

/* -- the guest's state ---------------------------------------------------------------------- */

uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg)
{
	return vcpu->priv->guest.reg[reg];
}

int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	vcpu->priv->guest.reg[reg] = value;
	return 0;
}

/* By the numbers of instruction encodings; struct vcpu_regs begins with R15, and RSP is not in it. */
static uint64_t *gpr(struct vcpu *vcpu, unsigned int number)
{
	struct vcpu_regs *r = &vcpu->regs;
	uint64_t *const low[8] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &vcpu->priv->guest.reg[VCPU_RSP],
				  &r->rbp, &r->rsi, &r->rdi};

	return number < 8 ? low[number] : &r->r15 + (15 - number);
}

uint64_t vcpu_gpr(struct vcpu *vcpu, unsigned int number)
{
	return *gpr(vcpu, number & 15);
}

void vcpu_set_gpr(struct vcpu *vcpu, unsigned int number, uint64_t value)
{
	*gpr(vcpu, number & 15) = value;
}

uint64_t vcpu_qualification(struct vcpu *vcpu)
{
	return vcpu->priv->guest.qualification;
}

uint64_t vcpu_guest_physical(struct vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out)
{
	uint64_t q = vcpu->priv->guest.qualification;

	*out = (struct vcpu_cr_access){
		.cr = q & 15, .op = q >> 4 & 3, .gpr = q >> 8 & 15, .source = q >> 16 & 0xffff};
}

/* No MSR is changed between root mode and the guest, and which of them exit is for the test to say. */
int vcpu_msr_exits(uint32_t first, uint32_t last, uint32_t what, bool exits)
{
	(void)exits;
	return first > last || !what || what > (VCPU_MSR_READ | VCPU_MSR_WRITE) ? PLINTH_E_INVAL : 0;
}

int vcpu_read_msr(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
	(void)vcpu;
	return cpu_rdmsr_safe(msr, value);
}

int vcpu_write_msr(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
	(void)vcpu;
	return cpu_wrmsr_safe(msr, value);
}

void vcpu_inject(struct vcpu *vcpu, uint8_t vector, bool has_error, uint32_t error)
{
	vcpu->priv->guest.event = 1u << 31 | 3u << 8 | (has_error ? 1u << 11 : 0) | vector;
	vcpu->priv->guest.event_error = error;
}

/* Nothing is interrupted by an exit, and nothing is put off. */
void vcpu_reinject(struct vcpu *vcpu)
{
	(void)vcpu;
}

void vcpu_settle(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* A mock of a machine has no way to come back after one instruction. */
int vcpu_step(struct vcpu *vcpu, bool on)
{
	(void)vcpu;
	(void)on;
	return PLINTH_E_NOTSUP;
}

/* A mock of a machine knows no INIT: the CPU ends here. */
void vcpu_take_init(struct vcpu *vcpu)
{
	(void)vcpu;
	for (;;)
		cpu_halt();
}
