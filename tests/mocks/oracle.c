/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <string.h>

#include "model/internal.h"
#include "model/translation.h"

#define DPL(rights) ((rights) >> 5 & 3)
#define RIGHTS_L    0x2000u

static unsigned int cpl(const struct guest_view *g)
{
	return DPL(g->visible.seg[MODEL_SS].rights);
}

uint64_t *oracle_gpr(struct guest_view *g, unsigned int number)
{
	struct vcpu_regs *r = &g->regs;
	uint64_t *const registers[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &g->rsp, &r->rbp,
					 &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
					 &r->r12, &r->r13, &r->r14, &r->r15};

	return registers[number & 15];
}

/* -- control registers (SDM, "MOV - Move to/from Control Registers", "LMSW", "CLTS") ------ */

static enum outcome natively_cr0(struct guest_view *g, uint64_t value)
{
	value |= 0x10;		 /* ET is always 1, */
	value &= ~0x1ffaffc0ull; /* and reserved bits of the lower half are always 0 */
	if (value >> 32 || (value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
		return RAISES_GP;
	/* Not natively, but what a VMM without unrestricted guests documents: no way out of paged protected
	 * mode. */
	if (!(value & CR0_PE) || !(value & CR0_PG))
		return RAISES_GP;
	if (!(value & CR0_WP) && g->visible.cr4 & CR4_CET)
		return RAISES_GP;
	g->visible.cr0 = value;
	return GOES_ON;
}

static enum outcome natively_cr3(struct guest_view *g, uint64_t value)
{
	if (g->visible.cr4 & CR4_PCIDE)
		value &= ~CR3_NOFLUSH;
	if (!model_cr3_ok(value))
		return RAISES_GP;
	g->visible.cr3 = value;
	return GOES_ON;
}

static enum outcome natively_cr4(struct guest_view *g, uint64_t value)
{
	uint64_t now = g->visible.cr4;

	/* Not natively, but documented: bits that the VMM does not know, LASS and FRED among them. */
	if (value & ~ORACLE_CR4_KEPT)
		return RAISES_GP;
	if (value & ~model.kind->cr4 || !(value & CR4_PAE) || (value ^ now) & CR4_LA57)
		return RAISES_GP;
	if (value & ~now & CR4_PCIDE && g->visible.cr3 & CR3_PCID)
		return RAISES_GP;
	if (value & CR4_CET && !(g->visible.cr0 & CR0_WP))
		return RAISES_GP;
	g->visible.cr4 = value;
	return GOES_ON;
}

static enum outcome cr_access(struct guest_view *g, uint64_t q)
{
	unsigned int cr = q & 15, op = q >> 4 & 3;
	uint64_t *gpr = oracle_gpr(g, q >> 8 & 15), *cr0 = &g->visible.cr0;
	uint64_t source = q >> 16 & 15;

	if (cr != 0 && cr != 3 && cr != 4)
		return STOPS;
	if (op == 2)
		return natively_cr0(g, *cr0 & ~CR0_TS);
	if (op == 3)
		return natively_cr0(g, (*cr0 & ~14ull) | source | (*cr0 & CR0_PE));
	if (op == 1) {
		*gpr = cr == 0 ? *cr0 : cr == 3 ? g->visible.cr3 : g->visible.cr4;
		return GOES_ON;
	}
	return cr == 0 ? natively_cr0(g, *gpr) : cr == 3 ? natively_cr3(g, *gpr) : natively_cr4(g, *gpr);
}

/* -- CPUID, MSRs, XSETBV --------------------------------------------------------------------- */

static enum outcome natively_cpuid(struct guest_view *g)
{
	uint32_t leaf = (uint32_t)g->regs.rax, subleaf = (uint32_t)g->regs.rcx;
	struct model_state *st = &model_here()->st;
	uint64_t cr4 = st->cr4;
	struct model_segment cs = st->seg[MODEL_CS];
	struct cpu_leaf out;

	/* Natively CPUID reports the OS's own CR4, and what there is in the mode of its code. */
	st->cr4 = g->visible.cr4;
	st->seg[MODEL_CS] = g->visible.seg[MODEL_CS];
	model_cpuid_answer(leaf, subleaf, &out);
	st->cr4 = cr4;
	st->seg[MODEL_CS] = cs;
	/* A CPU would not exit; a hypervisor that provides it does. */
	if (model.kind->faults && g->visible.msr[MODEL_MSR_FEATURES_ENABLES] & 1 && cpl(g))
		return RAISES_GP;
	if (leaf == 1)
		out.ecx |= CPUID_1_ECX_HYPERVISOR;
	if (leaf == 7 && subleaf == 1)
		out.eax &= ~(CPUID_7_1_EAX_LASS | CPUID_7_1_EAX_FRED);
	if (leaf == 0x40000000 + model.kind->hypervisor * 0x100)
		out = (struct cpu_leaf){leaf, 0x6e696c50, 0x6c506874, 0x68746e69}; /* "PlinthPlinth" */
	g->regs.rax = out.eax;
	g->regs.rbx = out.ebx;
	g->regs.rcx = out.ecx;
	g->regs.rdx = out.edx;
	return GOES_ON;
}

/* 0x40000000-0x400000ff are a hypervisor's: Plinth has none, and what the hardware has there is one's only if
 * there is one. */
static bool known_msr(uint32_t msr, unsigned int *place)
{
	static const uint32_t indices[] = {
#define MSR(name, index, rule, value) index,
#include "model/msrs.def"
#undef MSR
	};

	if (msr >> 8 == 0x400000 && !model.kind->hypervisor)
		return false;
	for (*place = 0; *place < MODEL_MSRS; ++*place)
		if (indices[*place] == msr)
			return true;
	return false;
}

static enum outcome rdmsr(struct guest_view *g)
{
	unsigned int place;
	uint64_t value;

	if (!known_msr((uint32_t)g->regs.rcx, &place))
		return RAISES_GP;
	value = g->visible.msr[place];
	g->regs.rax = (uint32_t)value;
	g->regs.rdx = value >> 32;
	return GOES_ON;
}

static bool apic_base_writable(uint64_t before, uint64_t value)
{
	uint64_t now = before >> 10 & 3, next = value >> 10 & 3; /* bit 0: x2APIC, bit 1: on */

	/* Where it is it stays: documented. Below: reserved bits, then the transitions that there are. */
	if ((value ^ before) >> 12 || value & 0x2ff)
		return false;
	return next == 0 || (next == 2 && now != 3) || (next == 3 && now >= 2);
}

/* Execute disable stays in root mode's sight where guest and root mode have one EFER: documented. */
static bool efer_writable(uint64_t before, uint64_t *value)
{
	if (*value & ~0xd01ull || (*value ^ before) & 0x100 ||
	    (!model_vendor()->efer_each() && !(*value & 0x800)))
		return false;
	*value = (*value & ~0x400ull) | (before & 0x400);
	return true;
}

static bool writable(uint32_t msr, uint64_t before, uint64_t *value)
{
	switch (msr) {
	case 0x1b: return apic_base_writable(before, *value);
	case 0x1a0: return !(*value >> 34 & 1); /* documented: the VMM needs execute disable */
	case 0x600: return canonical(*value);
	case 0xc0000080: return efer_writable(before, value);
	default: return true;
	}
}

static enum outcome wrmsr(struct guest_view *g)
{
	unsigned int place;
	uint64_t value;

	/* In a guest it does nothing. */
	if ((uint32_t)g->regs.rcx == 0x79)
		return GOES_ON;
	if (!known_msr((uint32_t)g->regs.rcx, &place))
		return RAISES_GP;
	value = g->regs.rdx << 32 | (uint32_t)g->regs.rax;
	if (!writable((uint32_t)g->regs.rcx, g->visible.msr[place], &value))
		return RAISES_GP;
	g->visible.msr[place] = value;
	return GOES_ON;
}

static enum outcome xsetbv(struct guest_view *g)
{
	uint64_t value = g->regs.rdx << 32 | (uint32_t)g->regs.rax;

	if (!(g->visible.cr4 & CR4_OSXSAVE))
		return RAISES_UD;
	if (cpl(g) || (uint32_t)g->regs.rcx || !(value & 1) || value & ~7ull || (value & 4 && !(value & 2)))
		return RAISES_GP;
	g->visible.xcr0 = value;
	return GOES_ON;
}

/* Whoever is beneath gets what a kernel in 64-bit mode calls, but for Plinth's own numbers. */
static enum outcome natively_hypercall(struct guest_view *g)
{
	if (!model.kind->hypervisor || cpl(g) || !(g->visible.seg[MODEL_CS].rights & RIGHTS_L))
		return RAISES_UD;
	if (g->regs.rax == PLINTH_HYPERCALL_STOP || g->regs.rax == PLINTH_HYPERCALL_MAPS ||
	    !model_beneath(&g->regs))
		return RAISES_UD;
	return GOES_ON;
}

#define DETAIL_UNBLOCKS 0x1000ull /* an IRET was about to unblock NMIs, and did not */

static uint32_t wanted(const struct model_exit *e)
{
	return e->access ? e->access : e->detail & (READ | WRITE | FETCH);
}

/* Second-level translation is one to one: what it lacks it adds, what it forbids is #GP. By the tables as
 * they are. */
static enum outcome translation(const struct model_exit *e)
{
	struct translation t;

	if (e->physical >> model.kind->physical_bits)
		return RAISES_GP;
	t = translation_of(0, e->physical);
	return t.access && wanted(e) & ~t.access ? RAISES_GP : SAME_RIP;
}

static enum outcome basic(struct guest_view *g, const struct model_exit *e)
{
	switch (model_exit_kind(e)) {
	case MODEL_EXIT_ENTRY_MC: return RAISES_MC;
	case PLINTH_EXIT_TRIPLE_FAULT: return RESETS;
	case PLINTH_EXIT_NMI_WINDOW:
	case PLINTH_EXIT_TIMER: return SAME_RIP;
	case PLINTH_EXIT_TASK_SWITCH: return RAISES_GP;
	case PLINTH_EXIT_CPUID: return natively_cpuid(g);
	case PLINTH_EXIT_GETSEC: return g->visible.cr4 & CR4_SMXE ? RAISES_GP : RAISES_UD;
	case PLINTH_EXIT_INVD: return cpl(g) ? RAISES_GP : GOES_ON;
	case PLINTH_EXIT_HYPERCALL: return natively_hypercall(g);
	case PLINTH_EXIT_VIRT_INSN: return RAISES_UD;
	case PLINTH_EXIT_CR_ACCESS: return cr_access(g, e->detail);
	case PLINTH_EXIT_MSR_READ: return rdmsr(g);
	case PLINTH_EXIT_MSR_WRITE: return wrmsr(g);
	case PLINTH_EXIT_SLAT_VIOLATION: return translation(e);
	case PLINTH_EXIT_XSETBV: return xsetbv(g);
	case PLINTH_EXIT_MSR_LIST: return RAISES_GP; /* no MSR outside the bitmap's ranges */
	default: return STOPS;
	}
}

/* Behind the instruction (SDM, "Interruptibility State", "Pending Debug Exceptions"). */
static void advance(struct guest_view *g, const struct model_exit *e)
{
	bool stepping = g->visible.rflags & RFLAGS_TF && !(g->visible.msr[MODEL_MSR_DEBUGCTL] & 2);

	g->rip += e->length;
	if (!(g->visible.seg[MODEL_CS].rights & RIGHTS_L))
		g->rip = (uint32_t)g->rip;
	g->interruptibility &= ~3ull;
	g->visible.rflags &= ~RFLAGS_RF;
	if (stepping)
		g->pending_debug |= 1ull << 14;
}

/* -- events (SDM, "VM Exits That Occur During Event Delivery", "Interrupt 8 - Double Fault") ---- */

#define INFO_UNDEFINED 0x00001000u /* bit 12 of what was being delivered */
#define BLOCKS_NMI     8ull
#define VECTOR(info)   ((info)&0xff)
#define TYPE(info)     ((info) >> 8 & 7)

enum {
	TYPE_INTERRUPT = 0,
	TYPE_NMI = 2,
	TYPE_FAULT = 3,
	TYPE_SOFT_INTERRUPT = 4,
	TYPE_INT1 = 5,
	TYPE_SOFT_EXCEPTION = 6
};

/* What a delivery pushes as RF (SDM, "Instruction-Breakpoint Exception Condition"). */
static bool pushes_rf(uint32_t info, bool now)
{
	/* Faults, and not those that a breakpoint or the debugger's registers raise. */
	static const uint8_t faults[] = {0, 5, 6, 7, 10, 11, 12, 13, 14, 16, 17, 19, 20, 21};

	if (TYPE(info) == TYPE_SOFT_INTERRUPT || TYPE(info) == TYPE_INT1 || TYPE(info) == TYPE_SOFT_EXCEPTION)
		return false;
	for (unsigned int i = 0; TYPE(info) == TYPE_FAULT && i < sizeof(faults); i++)
		if (faults[i] == VECTOR(info))
			return true;
	return now;
}

/* Does an error code tell that something outside the program was being delivered (SDM, "Error Code", EXT)? */
static uint32_t external(uint32_t first)
{
	return first & ORACLE_VALID && TYPE(first) != TYPE_SOFT_INTERRUPT &&
	       TYPE(first) != TYPE_SOFT_EXCEPTION;
}

static void deliver(struct guest_view *g, uint32_t info, uint32_t error, uint64_t length)
{
	bool rf = pushes_rf(info, g->visible.rflags & RFLAGS_RF);

	g->event =
		(struct model_event){.info = info, .error = error, .length = (uint32_t)length, .resumes = rf};
	g->visible.rflags = (g->visible.rflags & ~RFLAGS_RF) | (rf ? RFLAGS_RF : 0);
	/* Blocking by STI and MOV SS ends with any delivery, and that of an NMI blocks NMIs. */
	g->interruptibility &= ~3ull;
	if (TYPE(info) == TYPE_NMI)
		g->interruptibility |= BLOCKS_NMI;
}

/* How a fault (#GP) in the delivery of another event ends: by the class of the first. */
static enum outcome fault_on_top(struct guest_view *g, uint32_t first)
{
	if (!(first & ORACLE_VALID) || TYPE(first) != TYPE_FAULT)
		return RAISES_GP;
	switch (VECTOR(first)) {
	case 8: return RESETS; /* the CPU shuts down */
	case 0:
	case 10:
	case 11:
	case 12:
	case 13: /* contributory exceptions */
	case 14:
	case 20: /* page faults */
		/* The first one was a fault, and had set it. */
		g->visible.rflags |= RFLAGS_RF;
		deliver(g, ORACLE_DF, 0, 0);
		return RAISES_DF;
	default: return RAISES_GP;
	}
}

static enum outcome raise(struct guest_view *g, const struct model_exit *e, enum outcome outcome)
{
	if (outcome == RAISES_GP)
		outcome = fault_on_top(g, e->vectoring);
	if (outcome == RAISES_GP)
		deliver(g, ORACLE_GP, external(e->vectoring), 0);
	if (outcome == RAISES_MC)
		deliver(g, ORACLE_MC, 0, 0);
	if (outcome == RAISES_UD)
		deliver(g, ORACLE_UD, 0, 0);
	return outcome;
}

/* What was being delivered is delivered again; software's own events bring their instruction's length. */
static void again(struct guest_view *g, const struct model_exit *e)
{
	deliver(g, e->vectoring & ~INFO_UNDEFINED, e->vectoring_error, e->length);
}

enum outcome oracle(const struct guest_view *before, const struct model_exit *exit, struct guest_view *after)
{
	const bool is_violation = model_exit_kind(exit) == PLINTH_EXIT_SLAT_VIOLATION;
	enum outcome outcome;

	*after = *before;
	after->event = (struct model_event){0};
	outcome = basic(after, exit);
	if (outcome == GOES_ON)
		advance(after, exit);
	else
		after->rip = before->rip;
	/* An IRET that was about to unblock NMIs did not come to its end (SDM, "Information for VM Exits
	 * During IRET"). */
	if (is_violation && exit->detail & DETAIL_UNBLOCKS && !(exit->vectoring & ORACLE_VALID))
		after->interruptibility |= BLOCKS_NMI;
	if (outcome == SAME_RIP && exit->vectoring & ORACLE_VALID)
		again(after, exit);
	/* An access that is tried again must not hit its breakpoint again (SDM, "Saving RIP, RSP, RFLAGS, and
	 * SSP"). */
	else if (outcome == SAME_RIP && is_violation)
		after->visible.rflags |= RFLAGS_RF;
	return raise(after, exit, outcome);
}
