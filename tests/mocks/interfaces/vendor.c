/* SPDX-License-Identifier: MIT */
/*
 * A vendor without hardware for virtual machines. Its guest is a pretence of the model CPU's: the system goes
 * on after the start, and what exits comes here, with the registers in a table.
 */
#include <string.h>

#include <plinth/abi.h>
#include <plinth/memory.h>
#include <plinth/vendor.h>
#include <plinth/x86.h>

#include "../intrinsics/calls.h"

PLINTH_MODULE("mock_vendor", "0.1.0", "a vendor that pretends: no hardware behind it (tests)");

/* Does this call fail? */
static bool mock_fails(const char *function)
{
	return MOCK_FAILS && MODEL->fault(function);
}

struct vendor_private {
	struct pretence guest;
	struct vcpu_system system;
};

/* It is asked for nothing: no entry can fail. */
void vendor_register_entry_check(vendor_entry_check_fn *check)
{
	(void)check;
}

int vendor_init(const struct plinth_boot *boot, const struct slat *slat)
{
	(void)boot;
	(void)slat;
	return mock_fails("vendor_init") ? PLINTH_E_NOMEM : 0;
}

void vendor_fini(void)
{
}

int vendor_check(void)
{
	return mock_fails("vendor_check") ? PLINTH_E_NOTSUP : 0;
}

/* -- exits ------------------------------------------------------------------------------ */

static enum exit_action on_exit(struct vcpu *vcpu)
{
	/* Its reasons are the kinds. */
	vcpu->exit.kind = (uint32_t)vcpu->exit.reason;
	return vcpu_handle(vcpu, vcpu->exit.kind);
}

void vendor_skip(struct vcpu *vcpu)
{
	vcpu->vendor->guest.reg[VCPU_RIP] += vcpu->exit.length;
}

bool vendor_machine_check(struct vcpu *vcpu)
{
	(void)vcpu;
	return false;
}

bool vendor_nmi_unblocked(struct vcpu *vcpu)
{
	(void)vcpu;
	return false;
}

/* -- life ---------------------------------------------------------------------------------- */

int vendor_create(struct vcpu *vcpu)
{
	vcpu->vendor = mock_fails("vendor_create") ? NULL : mem_alloc(sizeof(*vcpu->vendor), 0);
	vcpu->on_exit = on_exit;
	return vcpu->vendor ? 0 : PLINTH_E_NOMEM;
}

void vendor_destroy(struct vcpu *vcpu)
{
	mem_free(vcpu->vendor);
}

int vendor_root_on(struct cpu *cpu)
{
	(void)cpu;
	return mock_fails("vendor_root_on") ? PLINTH_E_VIRT : 0;
}

void vendor_root_off(struct cpu *cpu)
{
	(void)cpu;
}

int vendor_cpu_create(struct cpu *cpu)
{
	(void)cpu;
	return mock_fails("vendor_cpu_create") ? PLINTH_E_NOMEM : 0;
}

void vendor_cpu_destroy(struct cpu *cpu)
{
	(void)cpu;
}

int vendor_guest_create(struct guest *guest)
{
	(void)guest;
	return mock_fails("vendor_guest_create") ? PLINTH_E_NOMEM : 0;
}

void vendor_guest_destroy(struct guest *guest)
{
	(void)guest;
}

int vendor_switch(struct vcpu *vcpu)
{
	(void)vcpu;
	return mock_fails("vendor_switch") ? PLINTH_E_VIRT : 0;
}

int vendor_flush(struct vcpu *vcpu)
{
	(void)vcpu;
	return mock_fails("vendor_flush") ? PLINTH_E_VIRT : 0;
}

int vendor_load(struct vcpu *vcpu, const struct vcpu_system *system, const struct vendor_root *root)
{
	struct vendor_private *p = vcpu->vendor;

	if (mock_fails("vendor_load"))
		return PLINTH_E_VIRT;
	p->system = *system;
	p->guest.root = *root;
	p->guest.reg[VCPU_RIP] = system->rip;
	p->guest.reg[VCPU_RSP] = system->rsp;
	p->guest.reg[VCPU_RFLAGS] = system->rflags;
	p->guest.reg[VCPU_CR0] = system->cr0;
	p->guest.reg[VCPU_CR2] = cpu_read_cr2();
	p->guest.reg[VCPU_CR3] = system->cr3;
	p->guest.reg[VCPU_CR4] = system->cr4;
	p->guest.reg[VCPU_FS_BASE] = system->segment[SEG_FS].base;
	return 0;
}

void vendor_unload(struct vcpu *vcpu)
{
	(void)vcpu;
}

int vendor_enter(struct vcpu *vcpu)
{
	if (mock_fails("vendor_enter"))
		return PLINTH_E_VIRT;
	MODEL->pretend(vcpu, &vcpu->vendor->guest);
}

void vendor_system(struct vcpu *vcpu, struct vcpu_system *out)
{
	const struct vendor_private *p = vcpu->vendor;

	*out = p->system;
	out->rip = p->guest.reg[VCPU_RIP];
	out->rsp = p->guest.reg[VCPU_RSP];
	out->rflags = p->guest.reg[VCPU_RFLAGS];
	out->cr0 = p->guest.reg[VCPU_CR0];
	out->cr3 = p->guest.reg[VCPU_CR3];
	out->cr4 = p->guest.reg[VCPU_CR4] & ~CR4_VMXE;
	out->segment[SEG_FS].base = p->guest.reg[VCPU_FS_BASE];
}

/* No MSR is changed between root mode and the guest. */
void vendor_give_msrs(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* -- events: nothing is interrupted by an exit, and nothing is put off -------------------------- */

#define INFO_VALID     (1u << 31)
#define INFO_ERROR     (1u << 11)
#define INFO_EXCEPTION (3u << 8)

struct vcpu_event vendor_queued(struct vcpu *vcpu)
{
	const struct pretence *guest = &vcpu->vendor->guest;

	return (struct vcpu_event){
		.type = guest->event ? VCPU_EVENT_EXCEPTION : VCPU_EVENT_NONE,
		.vector = (uint8_t)guest->event,
		.has_error = guest->event & INFO_ERROR,
		.error = guest->event_error,
	};
}

void vendor_queue(struct vcpu *vcpu, const struct vcpu_event *event)
{
	struct pretence *guest = &vcpu->vendor->guest;

	guest->event =
		event->type == VCPU_EVENT_NONE
			? 0
			: INFO_VALID | INFO_EXCEPTION | (event->has_error ? INFO_ERROR : 0) | event->vector;
	guest->event_error = event->error;
}

struct vcpu_event vendor_interrupted(struct vcpu *vcpu)
{
	(void)vcpu;
	return (struct vcpu_event){.type = VCPU_EVENT_NONE};
}

struct vcpu_event vendor_reported(struct vcpu *vcpu)
{
	(void)vcpu;
	return (struct vcpu_event){.type = VCPU_EVENT_NONE};
}

uint64_t vendor_blocked(struct vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

void vendor_block(struct vcpu *vcpu, uint64_t set, uint64_t clear)
{
	(void)vcpu;
	(void)set;
	(void)clear;
}

void vendor_recall(struct vcpu *vcpu, enum vendor_recall when)
{
	(void)vcpu;
	(void)when;
}

int vendor_step(struct vcpu *vcpu, bool on)
{
	(void)vcpu;
	(void)on;
	return PLINTH_E_NOTSUP;
}

void vendor_refusal_log(struct vcpu *vcpu, int how)
{
	(void)how;
	(void)vcpu;
}

void vendor_dump(struct vcpu *vcpu)
{
	(void)vcpu;
}

/* -- the guest's state ---------------------------------------------------------------------- */

uint64_t vcpu_read(struct vcpu *vcpu, enum vcpu_reg reg)
{
	return vcpu->vendor->guest.reg[reg];
}

int vcpu_write(struct vcpu *vcpu, enum vcpu_reg reg, uint64_t value)
{
	vcpu->vendor->guest.reg[reg] = value;
	return 0;
}

/* By the numbers of instruction encodings; struct vcpu_regs begins with R15, and RSP is not in it. */
static uint64_t *gpr(struct vcpu *vcpu, unsigned int number)
{
	struct vcpu_regs *r = &vcpu->regs;
	uint64_t *const low[8] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &vcpu->vendor->guest.reg[VCPU_RSP],
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

uint64_t vcpu_detail(struct vcpu *vcpu)
{
	return vcpu->vendor->guest.detail;
}

/* Nothing is translated. */
void vcpu_memory_access(struct vcpu *vcpu, struct vcpu_memory_access *out)
{
	(void)vcpu;
	*out = (struct vcpu_memory_access){0};
}

void vcpu_cr_access(struct vcpu *vcpu, struct vcpu_cr_access *out)
{
	uint64_t q = vcpu->vendor->guest.detail;

	*out = (struct vcpu_cr_access){
		.cr = q & 15, .op = q >> 4 & 3, .gpr = q >> 8 & 15, .source = q >> 16 & 0xffff};
}

/* No MSR is changed between root mode and the guest, and which of them exit is for the test to say. */
int vcpu_msr_exits(struct guest *guest, uint32_t first, uint32_t last, uint32_t what, bool exits)
{
	(void)guest;
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
